import CLinux
import Glibc
import Linux
import Model

/// The one place where the daemon waits: descriptors, timers, signals, child processes, and other threads' letters.
///
/// Everything runs on the thread that calls `run`. Handlers must not block; what blocks goes to a `Worker`.
public final class EventLoop: Timekeeper {
  struct Watcher {
    var descriptor: Int32
    var handler: (Readiness) -> Void
  }

  private let epoll: Descriptor
  private let mailbox: Mailbox
  private var timers = TimerQueue()
  private var watchers: [UInt64: Watcher] = [:]
  private var nextToken: UInt64 = 1
  private var deferred: [() -> Void] = []
  private var completions: [UInt64: (any Sendable) -> Void] = [:]
  private var nextJob: UInt64 = 1
  private var running = false
  var workers: [WeakQueue] = []
  /// Set by `stop`, so that a turn whose deferred actions asked for the end does not wait any more.
  private var isStopAsked = false
  var signals: SignalWatch?

  /// Called whenever a worker is given a job; nil when nobody wants to know.
  public var onWork: (() -> Void)?

  /// How often the loop has turned; a watchdog looks whether it grows.
  public private(set) var turns: UInt64 = 0

  /// Makes a loop; nothing runs until `run`.
  /// - Throws: when the process has no descriptors left.
  public init() throws(SystemError) {
    epoll = try Descriptor(checking: epoll_create1(Int32(EPOLL_CLOEXEC)), "epoll_create1")
    mailbox = try Mailbox()
    try Self.probe(epoll.number)
    try watch(mailbox.descriptor, for: .readable) { [unowned self] _ in readMail() }
  }

  // MARK: Running

  /// Waits and handles until `stop` is called.
  public func run() {
    running = true
    while running { turn(wait: true) }
  }

  /// Ends `run` after the handler that calls this.
  public func stop() {
    running = false
    isStopAsked = true
  }

  /// One turn: what is due and ready now, after waiting for it when `wait` is true and nothing is.
  public func turn(wait: Bool) {
    turns &+= 1
    isStopAsked = false
    runDeferred()
    var events = unsafe [epoll_event](repeating: epoll_event(), count: 16)
    var timeout = timespec()
    let forever = !nextTimeout(wait: wait, &timeout)
    let count = unsafe withUnsafePointer(to: &timeout) { timeout in
      // SAFETY: the kernel writes at most `events.count` entries; a null timeout waits for ever.
      unsafe epoll_pwait2(epoll.number, &events, Int32(events.count), forever ? nil : timeout, nil)
    }
    // Anything but a signal is a mistake of ours (EBADF, EINVAL): going on would spin, and serve nobody.
    precondition(count >= 0 || errno == EINTR, "epoll_pwait2: \(SystemError.text(errno))")
    for index in 0..<max(0, Int(count)) {
      let token = unsafe withUnsafePointer(to: &events[index]) { unsafe openstarry_epoll_token($0) }
      let ready = unsafe withUnsafePointer(to: &events[index]) { unsafe openstarry_epoll_events($0) }
      // Looked up each time: an earlier handler of this turn may have ended this watch.
      watchers[token]?.handler(Readiness(rawValue: ready))
      runDeferred()
    }
    runTimers()
    runDeferred()
  }

  /// Runs `action` before the loop waits again, after the handler that calls this.
  public func later(_ action: @escaping () -> Void) { deferred.append(action) }

  // MARK: Descriptors

  /// Calls `handler` whenever `descriptor` is ready; level-triggered. The descriptor stays the caller's.
  /// - Throws: `EPERM` for files that are always ready, `EEXIST` when it is watched already.
  @discardableResult
  public func watch(
    _ descriptor: Int32, for interest: Readiness, _ handler: @escaping (Readiness) -> Void
  ) throws(SystemError) -> WatchID {
    let token = nextToken
    nextToken += 1
    try control(EPOLL_CTL_ADD, descriptor, interest, token)
    watchers[token] = Watcher(descriptor: descriptor, handler: handler)
    return WatchID(token: token)
  }

  /// Changes what a watched descriptor is watched for.
  public func change(_ watch: WatchID, to interest: Readiness) throws(SystemError) {
    guard let watcher = watchers[watch.token] else { return }
    try control(EPOLL_CTL_MOD, watcher.descriptor, interest, watch.token)
  }

  /// Ends a watch; call it before the descriptor is closed. Does nothing the second time.
  public func unwatch(_ watch: WatchID) {
    guard let watcher = watchers.removeValue(forKey: watch.token) else { return }
    // Fails only when the descriptor is already closed, and then the kernel has forgotten it.
    try? control(EPOLL_CTL_DEL, watcher.descriptor, [], watch.token)
  }

  // MARK: Time

  public var now: Instant { Instant(nanoseconds: System.monotonicNanoseconds()) }
  public var wallMilliseconds: UInt64 { System.wallMilliseconds() }
  public var wallIsSynchronised: Bool { System.wallIsSynchronised() }

  @discardableResult
  public func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    timers.add(at: deadline, action)
  }

  public func cancel(_ timer: TimerID) { timers.cancel(timer) }

  // MARK: For workers

  func expect(_ completion: @escaping (any Sendable) -> Void) -> (job: UInt64, mailbox: Mailbox) {
    let job = nextJob
    nextJob += 1
    completions[job] = completion
    return (job, mailbox)
  }

  // MARK: Inside

  /// A kernel before 5.11, or a filter that refuses the call, is found out at the start and not by a loop that spins.
  private static func probe(_ epoll: Int32) throws(SystemError) {
    var event = unsafe epoll_event()
    var now = timespec()
    // SAFETY: the kernel writes at most the one event.
    if unsafe epoll_pwait2(epoll, &event, 1, &now, nil) < 0 && errno != EINTR { throw SystemError("epoll_pwait2") }
  }

  private func runDeferred() {
    // Actions may add actions; a bounded number of rounds keeps descriptors and timers alive.
    for _ in 0..<64 where !deferred.isEmpty {
      let batch = deferred
      deferred = []
      for action in batch { action() }
    }
  }

  private func runTimers() {
    // What becomes due while timers run waits for the next turn. The count matters where a timer sets itself again for
    // a time that is already past: descriptors must have their turn.
    let now = self.now
    for _ in 0..<timers.count {
      guard let due = timers.popDue(at: now) else { return }
      due.action()
    }
  }

  private func readMail() {
    for letter in mailbox.collect() { completions.removeValue(forKey: letter.job)?(letter.result) }
  }

  /// - Returns: false when there is nothing to time out for.
  private func nextTimeout(wait: Bool, _ timeout: inout timespec) -> Bool {
    if !wait || isStopAsked || !deferred.isEmpty { return true }
    guard let deadline = timers.nextDeadline() else { return false }
    let now = self.now
    let delay = deadline > now ? deadline.nanoseconds - now.nanoseconds : 0
    timeout.tv_sec = Int(delay / 1_000_000_000)
    timeout.tv_nsec = Int(delay % 1_000_000_000)
    return true
  }

  private func control(
    _ operation: Int32, _ descriptor: Int32, _ interest: Readiness, _ token: UInt64
  ) throws(SystemError) {
    var event = unsafe openstarry_epoll_event(interest.rawValue, token)
    // SAFETY: the kernel copies the event during the call.
    guard unsafe epoll_ctl(epoll.number, operation, descriptor, &event) == 0 else { throw SystemError("epoll_ctl") }
  }
}

import CLinux
import Glibc
import Linux
import Model

/// The one place where the daemon waits: for descriptors, timers, signals, child processes and other threads.
///
/// Everything runs on the thread that calls `run`. Handlers must not block; give blocking work to a `Worker`.
package final class EventLoop: Timekeeper {
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
  /// Set by `stop`, so that the current turn does not wait when one of its deferred actions called `stop`.
  private var isStopAsked = false
  var signals: SignalWatch?

  /// Called whenever a job is submitted to a worker; nil for no callback.
  package var onWork: (() -> Void)?

  /// The number of turns so far. A watchdog checks that it grows.
  package private(set) var turns: UInt64 = 0

  /// Opens the loop's descriptors; nothing runs until `run` or `turn`.
  /// - Throws: EMFILE or ENFILE when no descriptors are left; ENOSYS or EPERM when epoll_pwait2(2) is not available.
  package init() throws(SystemError) {
    epoll = try Descriptor(checking: epoll_create1(Int32(EPOLL_CLOEXEC)), "epoll_create1")
    mailbox = try Mailbox()
    try Self.probe(epoll.number)
    try watch(mailbox.descriptor, for: .readable) { [unowned self] _ in readMail() }
  }

  // MARK: Running

  /// Turns the loop until `stop` is called.
  package func run() {
    running = true
    while running { turn(wait: true) }
  }

  /// Makes `run` return after the current turn.
  package func stop() {
    running = false
    isStopAsked = true
  }

  /// Runs one turn: all handlers that are due or ready.
  /// - Parameter wait: whether to sleep until a handler is due or ready; false returns at once.
  package func turn(wait: Bool) {
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
    // Any error but EINTR is a bug of ours (EBADF, EINVAL); continuing would spin.
    precondition(count >= 0 || errno == EINTR, "epoll_pwait2: \(SystemError.text(errno))")
    for index in 0..<max(0, Int(count)) {
      let token = unsafe withUnsafePointer(to: &events[index]) { unsafe openstarry_epoll_token($0) }
      let ready = unsafe withUnsafePointer(to: &events[index]) { unsafe openstarry_epoll_events($0) }
      // Look up each time: an earlier handler of this turn may have removed this watch.
      watchers[token]?.handler(Readiness(rawValue: ready))
      runDeferred()
    }
    runTimers()
    runDeferred()
  }

  /// Runs `action` before the loop waits again, after the handler that calls this.
  package func later(_ action: @escaping () -> Void) { deferred.append(action) }

  // MARK: Descriptors

  /// Calls `handler` whenever `descriptor` is ready; level-triggered. The caller keeps the descriptor open.
  /// - Throws: `EPERM` for regular files, which are always ready; `EEXIST` when it is already watched.
  @discardableResult
  package func watch(
    _ descriptor: Int32, for interest: Readiness, _ handler: @escaping (Readiness) -> Void
  ) throws(SystemError) -> WatchID {
    let token = nextToken
    nextToken += 1
    try control(EPOLL_CTL_ADD, descriptor, interest, token)
    watchers[token] = Watcher(descriptor: descriptor, handler: handler)
    return WatchID(token: token)
  }

  /// Changes the readiness that a watch waits for; does nothing after `unwatch`.
  package func change(_ watch: WatchID, to interest: Readiness) throws(SystemError) {
    guard let watcher = watchers[watch.token] else { return }
    try control(EPOLL_CTL_MOD, watcher.descriptor, interest, watch.token)
  }

  /// Ends a watch. Call it before closing the descriptor. A second call does nothing.
  package func unwatch(_ watch: WatchID) {
    guard let watcher = watchers.removeValue(forKey: watch.token) else { return }
    // Fails only for a closed descriptor, which the kernel has removed by itself.
    try? control(EPOLL_CTL_DEL, watcher.descriptor, [], watch.token)
  }

  // MARK: Time

  package var now: Instant { Instant(nanoseconds: System.monotonicNanoseconds()) }
  package var wallMilliseconds: UInt64 { System.wallMilliseconds() }
  package var wallIsSynchronised: Bool { System.wallIsSynchronised() }

  @discardableResult
  package func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    timers.add(at: deadline, action)
  }

  package func cancel(_ timer: TimerID) { timers.cancel(timer) }

  // MARK: For workers

  func expect(_ completion: @escaping (any Sendable) -> Void) -> (job: UInt64, mailbox: Mailbox) {
    let job = nextJob
    nextJob += 1
    completions[job] = completion
    return (job, mailbox)
  }

  // MARK: Inside

  /// Fails at the start, instead of spinning later, on a kernel before 5.11 or under a filter that refuses the call.
  private static func probe(_ epoll: Int32) throws(SystemError) {
    var event = unsafe epoll_event()
    var now = timespec()
    // SAFETY: the kernel writes at most the one event.
    if unsafe epoll_pwait2(epoll, &event, 1, &now, nil) < 0 && errno != EINTR { throw SystemError("epoll_pwait2") }
  }

  private func runDeferred() {
    // Actions may add actions: bound the rounds, so that they cannot starve descriptors and timers.
    for _ in 0..<64 where !deferred.isEmpty {
      let batch = deferred
      deferred = []
      for action in batch { action() }
    }
  }

  private func runTimers() {
    // Timers that become due meanwhile wait for the next turn. The count bounds a timer that keeps rescheduling itself
    // for a past time, which would starve descriptors.
    let now = self.now
    for _ in 0..<timers.count {
      guard let due = timers.popDue(at: now) else { return }
      due.action()
    }
  }

  private func readMail() {
    for letter in mailbox.collect() { completions.removeValue(forKey: letter.job)?(letter.result) }
  }

  /// - Returns: false to wait without a timeout.
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

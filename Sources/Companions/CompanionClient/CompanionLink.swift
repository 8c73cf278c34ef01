import Companion
import EventLoop
import Glibc
import Linux
import Model
import Wire

/// The daemon's connection to a companion process: starts it, hears it, notices when it has ended or does not answer, and
/// lets it go when nobody has needed it for a while. What its end means is up to its owner. Loop thread only.
package final class CompanionLink<Message: PacketMessage> {
  /// What the owner does with messages, and with the loss of the connection, which is closed by then.
  package struct Handlers {
    let hear: (Message) -> Void
    let lost: (String) -> Void
    let opened: () -> Void
    let failed: (SystemError) -> Void

    /// Only `opened` is called from within a call of the owner. The link retains all: capture the owner weakly.
    /// - Parameters:
    ///   - opened: `need` has made a connection; may be called from within `need`.
    ///   - failed: `need` could make none. It tries again while the companion is needed.
    package init(
      hear: @escaping (Message) -> Void, lost: @escaping (String) -> Void, opened: @escaping () -> Void = {},
      failed: @escaping (SystemError) -> Void = { _ in }
    ) {
      self.hear = hear
      self.lost = lost
      self.opened = opened
      self.failed = failed
    }
  }

  /// How long the companion is kept after `release`: a restarted agent needs it again.
  private static var idleTime: Duration { .seconds(10) }

  /// How to reach the companion.
  package let start: CompanionStart
  /// Set by the owner before `open`.
  package var handlers: Handlers?
  /// The companion's process, if this daemon has started it and it runs.
  package private(set) var process: Int32?
  private let loop: EventLoop
  private let patience: Duration
  private var connection: PacketSocket<Message>?
  private var watch: WatchID?
  /// Runs while an answer is due.
  private var answerTimer: TimerID?
  private var idleTimer: TimerID?
  private var startTimer: TimerID?
  /// Whether it is started again after a loss.
  private var isNeeded = false
  /// The waits after losses. They begin anew once the companion has lived for the longest one.
  private var backoff = Backoff(first: .milliseconds(10), longest: .seconds(10))
  /// When it was started, and when it may be started again.
  private var started: Instant?
  private var mayStart: Instant

  /// Starts nothing yet.
  /// - Parameter patience: how long the companion may take for an answer. It answers within microseconds; one that is
  ///   stopped never does.
  package init(_ start: CompanionStart, on loop: EventLoop, patience: Duration = .seconds(10)) {
    self.start = start
    self.loop = loop
    self.patience = patience
    mayStart = loop.now
  }

  /// Whether there is a connection.
  package var isOpen: Bool { connection != nil }

  /// Connects to the companion, or starts it, and starts it again after each loss, until `release` or `close`. The wait
  /// before a start doubles with each loss. `opened` follows, from within this call if there is nothing to wait for.
  package func need() {
    isNeeded = true
    if let timer = idleTimer.take() { loop.cancel(timer) }
    guard connection == nil, startTimer == nil else { return }
    let now = loop.now
    guard mayStart > now else { return reopen() }
    startTimer = loop.schedule(after: mayStart - now) { [weak self] in
      self?.startTimer = nil
      self?.reopen()
    }
  }

  /// Closes the connection after 10 s, unless the companion is needed before.
  package func release() {
    isNeeded = false
    for timer in [startTimer.take(), idleTimer.take()] { if let timer { loop.cancel(timer) } }
    guard connection != nil else { return }
    idleTimer = loop.schedule(after: Self.idleTime) { [weak self] in
      self?.idleTimer = nil
      self?.close()
    }
  }

  private func reopen() {
    do throws(SystemError) {
      try open()
      handlers?.opened()
    } catch {
      delayNextStart()
      loop.later { [weak self] in
        self?.handlers?.failed(error)
        if self?.isNeeded == true { self?.need() }
      }
    }
  }

  private func delayNextStart() {
    if let started = started.take(), loop.now - started >= backoff.longest { backoff.reset() }
    mayStart = loop.now + backoff.next()
  }

  /// Connects to the companion, or starts it, this once and without a wait. Does nothing if there is a connection.
  package func open() throws(SystemError) {
    if let timer = idleTimer.take() { loop.cancel(timer) }
    guard connection == nil else { return }
    let (made, process): (PacketSocket<Message>, Int32?) = try start.connect(patience: 300)
    if let process {
      // Its end is seen on the connection; this only reaps it.
      try loop.onExit(of: process) { [weak self] _ in
        if self?.process == process { self?.process = nil }
      }
      self.process = process
    }
    watch = try loop.watch(made.number, for: .readable) { [weak self] _ in self?.receive() }
    connection = made
    started = loop.now
  }

  /// Sends a message.
  /// - Parameters:
  ///   - descriptors: go with it, and stay the caller's.
  ///   - expectsAnswer: whether the companion is to say something soon.
  /// - Throws: when there is no connection, or it cannot take the message. The connection stays.
  package func send(
    _ message: Message, _ descriptors: [Int32] = [], expectsAnswer: Bool
  ) throws(SystemError) {
    guard let connection else { throw SystemError("send", start.name, errno: ENOTCONN) }
    try connection.send(message, descriptors)
    if expectsAnswer { expectAnswer() }
  }

  /// Sends a message if there is a connection. One that cannot take it is lost.
  package func tell(_ message: Message, _ descriptors: [Int32] = [], expectsAnswer: Bool) {
    guard connection != nil else { return }
    do throws(SystemError) {
      try send(message, descriptors, expectsAnswer: expectsAnswer)
    } catch {
      loop.later { [weak self] in self?.lose("\(error)") }
    }
  }

  /// Closes the connection, at which the companion ends; waits for nothing, and calls nothing.
  package func close() {
    isNeeded = false
    if let timer = startTimer.take() { loop.cancel(timer) }
    disconnect()
  }

  private func disconnect() {
    if let watch = watch.take() { loop.unwatch(watch) }
    for timer in [answerTimer.take(), idleTimer.take()] { if let timer { loop.cancel(timer) } }
    connection = nil
  }

  private func expectAnswer() {
    guard answerTimer == nil else { return }
    answerTimer = loop.schedule(after: patience) { [weak self] in
      guard let self else { return }
      answerTimer = nil
      // One that systemd has started cannot be killed from here.
      if let process { Glibc.kill(process, SIGKILL) }
      lose("it did not answer within \(patience.text)")
    }
  }

  private func receive() {
    guard let connection else { return }
    if let timer = answerTimer.take() { loop.cancel(timer) }
    switch connection.next() {
    case .message(let message, let numbers):
      for number in numbers { Glibc.close(number) }
      handlers?.hear(message)
    case .unknown, .nothing: break
    case .ended: lose("it has ended")
    case .failed(let error): lose("\(error)")
    }
  }

  /// Hears what the companion has said before it was lost. The kernel reports that its end has reset the connection first.
  private func hearRest() {
    guard let number = connection?.number, (try? System.setNonBlocking(number)) != nil else { return }
    // More than the kernel keeps; one that is still alive may go on.
    for _ in 0..<1024 {
      switch connection?.next() {
      case .message(let message, let numbers)?:
        for number in numbers { Glibc.close(number) }
        handlers?.hear(message)
      case .unknown?, .failed?: break
      case .nothing?, .ended?, nil: return
      }
    }
  }

  private func lose(_ reason: String) {
    hearRest()
    guard connection != nil else { return }
    disconnect()
    delayNextStart()
    handlers?.lost(reason)
    if isNeeded { need() }
  }
}

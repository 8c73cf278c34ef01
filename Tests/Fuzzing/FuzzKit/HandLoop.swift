import EventLoop
import Linux
import Model

/// A loop with real descriptors and manual time. Blocking jobs run immediately. Its behaviour depends on the input
/// alone.
final class HandLoop: Loop {
  let real: EventLoop
  let clock = ManualClock()

  init() throws(SystemError) { real = try EventLoop() }

  var now: Instant { clock.now }
  var wallMilliseconds: UInt64 { clock.wallMilliseconds }
  var wallIsSynchronised: Bool { true }
  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    clock.schedule(at: deadline, action)
  }
  func cancel(_ timer: TimerID) { clock.cancel(timer) }
  func later(_ action: @escaping () -> Void) { real.later(action) }
  func watchClock(_ handler: @escaping () -> Void) { clock.onWallSet = handler }
  func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    try real.onExit(of: pid, handler)
  }

  func turn(wait: Bool) {
    real.turn(wait: false)
    if wait { clock.advance(by: .milliseconds(1)) }
  }

  /// Advances time in steps, and turns the loop after each.
  func pass(_ time: Duration, step: Duration) {
    let end = clock.now + time
    while clock.now < end {
      clock.advance(by: step)
      real.turn(wait: false)
    }
  }

  func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any JobQueue<State> {
    HandJobQueue(self, state)
  }
}

/// Jobs that run when they are submitted and report their result in the next turn.
private final class HandJobQueue<State>: JobQueue {
  private unowned let loop: HandLoop
  private let make: @Sendable () -> State
  private var state: State?

  init(_ loop: HandLoop, _ make: @escaping @Sendable () -> State) {
    self.loop = loop
    self.make = make
  }

  func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
  ) {
    var state = self.state.take() ?? make()
    let result = work(&state)
    self.state = state
    loop.later { completion(result) }
  }
}

import CLinux
import HAL
import Model

/// Lets a bus rest that has failed too often in a row, so that a wire that hangs does not cost a timeout a reading.
///
/// Closed: everything goes through. Open: nothing does until the rest is over. Half-open: one transfer is let through
/// as a probe; its end closes the breaker or opens it again for twice as long.
struct CircuitBreaker {
  private enum State: Equatable { case closed, open(until: Instant), halfOpen }

  /// How many failures in a row open it.
  let threshold: Int
  private let firstRest: Duration
  private let longestRest: Duration
  private var state = State.closed
  private var failures = 0
  private var rest: Duration

  init(threshold: Int = 6, firstRest: Duration = .seconds(1), longestRest: Duration = .seconds(30)) {
    self.threshold = threshold
    self.firstRest = firstRest
    self.longestRest = longestRest
    rest = firstRest
  }

  /// Whether transfers go through without question; retries make sense only then.
  var isClosed: Bool { state == .closed }

  /// Asks for one transfer.
  /// - Returns: whether it may be tried.
  mutating func admits(at now: Instant) -> Bool {
    guard case .open(let until) = state else { return true }
    guard now >= until else { return false }
    state = .halfOpen
    return true
  }

  /// Says that the bus worked, whatever the chip answered.
  mutating func succeeded() {
    state = .closed
    failures = 0
    rest = firstRest
  }

  /// Says how a transfer failed. Only faults of the bus count: a chip that does not acknowledge has a working bus.
  mutating func failed(_ fault: HALError.Fault, at now: Instant) {
    guard fault.isOfTheBus else {
      if fault == .noAcknowledge { succeeded() }
      return
    }
    failures += 1
    if state == .halfOpen {
      rest = min(rest * 2, longestRest)
    } else if failures < threshold {
      return
    }
    state = .open(until: now + rest)
  }
}

extension HALError.Fault {
  /// Whether it says something about the bus and not about one chip on it.
  var isOfTheBus: Bool {
    switch self {
    case .timeout, .arbitrationLost: true
    case .system(let number, _): number == EIO || number == EPROTO || number == ESHUTDOWN
    default: false
    }
  }

  /// Whether the same transfer may well go through a moment later.
  var isTransient: Bool {
    switch self {
    case .noAcknowledge, .timeout, .arbitrationLost: true
    default: false
    }
  }
}

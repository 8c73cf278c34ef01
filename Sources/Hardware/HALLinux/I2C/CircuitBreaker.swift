import CLinux
import HAL
import Model

/// Lets an address rest at which the bus has failed too often in a row, so that a chip that hangs does not cost those who
/// share its bus a timeout a reading.
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

  /// Whether transfers go through without question; repeating one at once makes sense only then.
  var isClosed: Bool { state == .closed }

  /// Asks for one transfer.
  /// - Returns: whether it may be tried.
  mutating func admits(at now: Instant) -> Bool {
    guard case .open(let until) = state else { return true }
    guard now >= until else { return false }
    state = .halfOpen
    return true
  }

  /// Lets the probe through at once.
  mutating func endRest(at now: Instant) { if case .open = state { state = .open(until: now) } }

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

/// The breakers of a bus, one for each address: a chip that hangs rests alone, and its probes cost nobody else theirs.
///
/// There is none for the bus as a whole. One that is stuck fails at each of its addresses and is tried at each once in a
/// while; the first that works again ends the rests of all.
struct CircuitBreakers {
  private let standard: CircuitBreaker
  private var breakers: [UInt8: CircuitBreaker] = [:]

  /// - Parameter standard: what each address begins with.
  init(_ standard: CircuitBreaker) { self.standard = standard }

  /// Whether transfers with an address go through without question.
  func isClosed(_ address: UInt8) -> Bool { breakers[address]?.isClosed ?? true }

  /// Asks for one transfer.
  /// - Returns: whether it may be tried.
  mutating func admit(_ address: UInt8, at now: Instant) -> Bool {
    breakers[address, default: standard].admits(at: now)
  }

  /// Says that a transfer went through.
  mutating func succeeded(_ address: UInt8, at now: Instant) { change(address, at: now) { $0.succeeded() } }

  /// Says how a transfer failed.
  mutating func failed(_ address: UInt8, _ fault: HALError.Fault, at now: Instant) {
    change(address, at: now) { $0.failed(fault, at: now) }
  }

  private mutating func change(_ address: UInt8, at now: Instant, _ body: (inout CircuitBreaker) -> Void) {
    let hasRested = !isClosed(address)
    body(&breakers[address, default: standard])
    guard hasRested, isClosed(address) else { return }
    for other in breakers.keys where other != address { breakers[other]?.endRest(at: now) }
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

import CLinux
import HAL
import Model

/// Blocks transfers to an address after too many bus faults in a row, so that a hanging chip does not cost the other
/// chips of its bus a timeout per reading.
///
/// Closed: transfers pass. Open: transfers are refused until the rest is over. Half-open: the next transfer is a probe;
/// success closes the breaker, a bus fault opens it again for twice as long.
struct CircuitBreaker {
  private enum State: Equatable { case closed, open(until: Instant), halfOpen }

  /// The number of failures in a row that opens it.
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

  /// Whether it is closed; only then does it make sense to repeat a transfer at once.
  var isClosed: Bool { state == .closed }

  /// Asks for one transfer.
  /// - Returns: whether it may be tried.
  mutating func admits(at now: Instant) -> Bool {
    guard case .open(let until) = state else { return true }
    guard now >= until else { return false }
    state = .halfOpen
    return true
  }

  /// Ends the rest early: the next transfer is the probe.
  mutating func endRest(at now: Instant) { if case .open = state { state = .open(until: now) } }

  /// Notes that the bus worked, whatever the chip answered.
  mutating func succeeded() {
    state = .closed
    failures = 0
    rest = firstRest
  }

  /// Notes a failed transfer. Only bus faults count: a missing acknowledge proves that the bus works.
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

/// The breakers of a bus, one per address, so that a hanging chip is blocked alone.
///
/// There is no breaker for the whole bus. A stuck bus opens the breaker of every address, and each is probed from time
/// to time; the first success ends the rests of all.
struct CircuitBreakers {
  private let defaultValue: CircuitBreaker
  private var breakers: [UInt8: CircuitBreaker] = [:]

  /// - Parameter defaultValue: the initial breaker of each address.
  init(_ defaultValue: CircuitBreaker) { self.defaultValue = defaultValue }

  /// Whether the breaker of an address is closed.
  func isClosed(_ address: UInt8) -> Bool { breakers[address]?.isClosed ?? true }

  /// Asks for one transfer.
  /// - Returns: whether it may be tried.
  mutating func admit(_ address: UInt8, at now: Instant) -> Bool {
    breakers[address, default: defaultValue].admits(at: now)
  }

  /// Notes a successful transfer.
  mutating func succeeded(_ address: UInt8, at now: Instant) { change(address, at: now) { $0.succeeded() } }

  /// Notes a failed transfer.
  mutating func failed(_ address: UInt8, _ fault: HALError.Fault, at now: Instant) {
    change(address, at: now) { $0.failed(fault, at: now) }
  }

  private mutating func change(_ address: UInt8, at now: Instant, _ body: (inout CircuitBreaker) -> Void) {
    let hasRested = !isClosed(address)
    body(&breakers[address, default: defaultValue])
    guard hasRested, isClosed(address) else { return }
    for other in breakers.keys where other != address { breakers[other]?.endRest(at: now) }
  }
}

extension HALError.Fault {
  /// Whether it is a fault of the bus rather than of one chip.
  var isOfTheBus: Bool {
    switch self {
    case .timeout, .arbitrationLost: true
    case .system(let number, _): number == EIO || number == EPROTO || number == ESHUTDOWN
    default: false
    }
  }

  /// Whether the same transfer may succeed a moment later.
  var isTransient: Bool {
    switch self {
    case .noAcknowledge, .timeout, .arbitrationLost: true
    default: false
    }
  }
}

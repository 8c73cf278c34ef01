import Chips
import HAL
import Model

/// The state of one bus on its worker: retries, circuit breakers, and the drivers of chips with outputs.
struct I2CBus<Base: I2CTransport>: I2CTransport {
  private(set) var base: Base
  private let clock: @Sendable () -> Instant
  private var breakers: CircuitBreakers
  /// The drivers of chips with outputs, by address.
  private var expanders: [UInt8: any OutputChipDriver] = [:]
  /// Whether the current transfers ignore open breakers.
  private var isUrgent = false

  init(_ base: Base, breaker: CircuitBreaker = CircuitBreaker(), clock: @escaping @Sendable () -> Instant) {
    self.base = base
    breakers = CircuitBreakers(breaker)
    self.clock = clock
  }

  /// Tries up to three times, 1 and 4 ms apart. An open breaker refuses the transfer; an urgent one is then tried once.
  mutating func transfer(_ address: UInt8, write bytes: [UInt8], read count: Int) throws(HALError.Fault) -> [UInt8] {
    var attempt = 1
    while true {
      guard isUrgent || breakers.admit(address, at: clock()) else { throw .resting }
      do throws(HALError.Fault) {
        let answer = try base.transfer(address, write: bytes, read: count)
        breakers.succeeded(address, at: clock())
        return answer
      } catch {
        breakers.failed(address, error, at: clock())
        guard error.isTransient, attempt < 3, breakers.isClosed(address) else { throw error }
        base.pause(.milliseconds(attempt * attempt))
        attempt += 1
      }
    }
  }

  mutating func pause(_ duration: Duration) { base.pause(duration) }

  /// Drives a channel of a chip with outputs.
  /// - Parameters:
  ///   - level: 0 to 1.
  ///   - urgent: whether to ignore an open breaker, because the level is the safe one.
  ///   - make: makes the chip's driver at the first use of the address.
  /// - Returns: whether the chip had lost its configuration, and it has been written again.
  mutating func drive(
    _ address: UInt8, channel: Int, level: Double, urgent: Bool = false, make: () -> any OutputChipDriver
  ) -> Result<Bool, HALError.Fault> {
    isUrgent = urgent
    defer { isUrgent = false }
    var chip = expanders[address] ?? make()
    let result = Result { () throws(HALError.Fault) in try chip.set(channel, level, &self) }
    expanders[address] = chip
    return result
  }

  /// Gives access to the transport without retries and breakers, for the scan.
  mutating func withBase<Answer>(_ body: (inout Base) -> Answer) -> Answer { body(&base) }
}

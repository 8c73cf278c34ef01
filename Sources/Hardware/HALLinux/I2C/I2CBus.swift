import Chips
import HAL
import Model

/// One bus as its worker sees it: retries, back-off for addresses that fail, and the state of its chips with outputs.
struct I2CBus<Base: I2CTransport>: I2CTransport {
  private(set) var base: Base
  private let clock: @Sendable () -> Instant
  private var breakers: CircuitBreakers
  private var expanders: [UInt8: any OutputChipDriver] = [:]
  /// Whether what is done now is tried whatever the breakers say.
  private var isUrgent = false

  init(_ base: Base, breaker: CircuitBreaker = CircuitBreaker(), clock: @escaping @Sendable () -> Instant) {
    self.base = base
    breakers = CircuitBreakers(breaker)
    self.clock = clock
  }

  /// Tries up to three times, 1 and 4 ms apart; never an address that rests, unless it is urgent, and then once.
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
  ///   - urgent: whether it makes the output safe: that is tried even while the address rests.
  ///   - make: makes the chip's driver, when it is told the first time.
  /// - Returns: whether the chip had lost its set-up meanwhile, and has been told everything again.
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

  /// Changes the transport itself; the scan needs transfers without retries.
  mutating func withBase<Answer>(_ body: (inout Base) -> Answer) -> Answer { body(&base) }
}

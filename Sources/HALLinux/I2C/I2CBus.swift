import HAL
import Model

/// One bus as its worker sees it: retries, rests when it fails, and keeps what is known of the chips on it.
struct I2CBus<Base: I2CTransport>: I2CTransport {
  /// Names one use of a chip. Devices that agree in all of it share the chip's driver and its last answer.
  struct ChipKey: Hashable, Sendable {
    var address: UInt8
    /// The driver's name.
    var driver: String
    /// What makes two uses of one chip different transfers, e.g. the channel of a converter; empty for most.
    var variant = ""
  }

  private struct Slot {
    var driver: any ChipDriver
    var answer: Result<[String: Measurement], HALError.Fault>?
    var time = Instant(nanoseconds: 0)
  }

  /// How long an answer serves the other quantities of its chip: they fall due in the same turn of the loop.
  static var freshness: Duration { .milliseconds(10) }

  private(set) var base: Base
  private let clock: @Sendable () -> Instant
  private var breaker: CircuitBreaker
  private var chips: [ChipKey: Slot] = [:]
  private var expanders: [UInt8: PCA9685] = [:]

  init(_ base: Base, breaker: CircuitBreaker = CircuitBreaker(), clock: @escaping @Sendable () -> Instant) {
    self.base = base
    self.breaker = breaker
    self.clock = clock
  }

  /// Tries up to three times, 1 and 4 ms apart; never against a resting bus.
  mutating func transfer(_ address: UInt8, write bytes: [UInt8], read count: Int) throws(HALError.Fault) -> [UInt8] {
    var attempt = 1
    while true {
      guard breaker.admits(at: clock()) else { throw .resting }
      do throws(HALError.Fault) {
        let answer = try base.transfer(address, write: bytes, read: count)
        breaker.succeeded()
        return answer
      } catch {
        breaker.failed(error, at: clock())
        guard error.isTransient, attempt < 3, breaker.isClosed else { throw error }
        base.pause(.milliseconds(attempt * attempt))
        attempt += 1
      }
    }
  }

  mutating func pause(_ duration: Duration) { base.pause(duration) }

  /// Measures one quantity of a chip, or takes it from the answer that another quantity has just had.
  /// - Parameter make: makes the chip's driver when there is none yet, and after each fault: a chip that failed may
  ///   have lost its configuration.
  mutating func measure(
    _ key: ChipKey, _ quantity: String, _ make: @Sendable () -> any ChipDriver
  ) -> Result<Measurement, HALError.Fault> {
    var slot = chips[key] ?? Slot(driver: make())
    let isFresh = slot.answer != nil && clock() - slot.time < Self.freshness
    if !isFresh {
      slot.answer = ask(&slot.driver)
      slot.time = clock()
      if case .failure = slot.answer { slot.driver = make() }
      chips[key] = slot
    }
    switch slot.answer {
    case .success(let quantities)?:
      if let measurement = quantities[quantity] { return .success(measurement) }
      return .failure(.protocolViolation("the chip gave no valid \(quantity)"))
    case .failure(let fault)?: return .failure(fault)
    case nil: return .failure(.gone)
    }
  }

  /// Drives a channel of a PCA9685.
  mutating func drive(
    _ address: UInt8, channel: Int, frequency: Int, level: Double
  ) -> Result<Void, HALError.Fault> {
    var chip = expanders[address] ?? PCA9685(address: address, frequency: frequency)
    let result = Result { () throws(HALError.Fault) in try chip.set(channel, level, &self) }
    expanders[address] = chip
    return result
  }

  /// Changes the transport itself; the scan needs transfers without retries.
  mutating func withBase<Answer>(_ body: (inout Base) -> Answer) -> Answer { body(&base) }

  /// One measurement, repeated when what was read does not add up.
  private mutating func ask(_ driver: inout any ChipDriver) -> Result<[String: Measurement], HALError.Fault> {
    var attempt = 1
    while true {
      do throws(HALError.Fault) {
        return .success(try driver.measure(&self))
      } catch {
        guard error == .checksum, attempt < 3 else { return .failure(error) }
        attempt += 1
      }
    }
  }
}

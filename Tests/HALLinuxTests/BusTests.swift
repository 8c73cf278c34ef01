import Glibc
import HAL
import Model
import Synchronization
import Testing

@testable import HALLinux

/// A clock that other threads may read and only a test moves.
final class Hands: Sendable {
  private let time = Mutex(Instant(nanoseconds: 1_000_000_000))
  var now: Instant { time.withLock { $0 } }
  func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}

@Suite struct BusTests {
  private let hands = Hands()

  private func bus(_ steps: [RecordedTransport.Step], breaker: CircuitBreaker = CircuitBreaker())
    -> I2CBus<RecordedTransport>
  {
    let hands = self.hands
    return I2CBus(RecordedTransport(steps), breaker: breaker) { hands.now }
  }

  private static let key = I2CBus<RecordedTransport>.ChipKey(address: 0x76, driver: "bmp280")
  private static let bmp280: @Sendable () -> any ChipDriver = { BoschEnvironment(address: 0x76, model: .bmp280) }

  @Test func twoQuantitiesCostOneTransfer() throws {
    var bus = bus(BoschTests.bmpStart + BoschTests.bmpMeasurement + BoschTests.bmpMeasurement)
    let temperature = try bus.measure(Self.key, "temperature", Self.bmp280).get()
    hands.advance(.milliseconds(5))
    let pressure = try bus.measure(Self.key, "pressure", Self.bmp280).get()
    #expect(near(temperature.value, 25.08, 0.005))
    #expect(near(pressure.value, 1006.53, 0.005))
    #expect(bus.base.remaining == BoschTests.bmpMeasurement.count)
    hands.advance(.milliseconds(10))
    _ = try bus.measure(Self.key, "pressure", Self.bmp280).get()
    #expect(bus.base.remaining == 0)
  }

  @Test func aQuantityThatTheChipDoesNotGive() {
    var bus = bus(BoschTests.bmpStart + BoschTests.bmpMeasurement)
    #expect(
      bus.measure(Self.key, "humidity", Self.bmp280)
        == .failure(.protocolViolation("the chip gave no valid humidity")))
  }

  @Test func twoRetries() throws {
    var bus = bus([
      .fault(0x48, write: [0], .noAcknowledge), .pause(.milliseconds(1)), .fault(0x48, write: [0], .arbitrationLost),
      .pause(.milliseconds(4)), .transfer(0x48, write: [0], answer: [0x19, 0]),
    ])
    #expect(try bus.transfer(0x48, write: [0], read: 2) == [0x19, 0])
    #expect(bus.base.remaining == 0)
  }

  @Test func thenTheFaultIsHandedOn() {
    var bus = bus([
      .fault(0x48, write: [0], .noAcknowledge), .pause(.milliseconds(1)), .fault(0x48, write: [0], .noAcknowledge),
      .pause(.milliseconds(4)), .fault(0x48, write: [0], .noAcknowledge),
    ])
    #expect(throws: HALError.Fault.noAcknowledge) { try bus.transfer(0x48, write: [0], read: 2) }
    #expect(bus.base.remaining == 0)
  }

  @Test(arguments: [HALError.Fault.gone, .inUse("x"), .protocolViolation("x"), .system(95, "x")])
  func somethingElseIsNotTriedAgain(_ fault: HALError.Fault) {
    var bus = bus([.fault(0x48, write: [0], fault)])
    #expect(throws: fault) { try bus.transfer(0x48, write: [0], read: 2) }
    #expect(bus.base.remaining == 0)
  }

  @Test func aWrongChecksumIsMeasuredAgain() throws {
    func measurement(_ sum: UInt8) -> [RecordedTransport.Step] {
      [
        .transfer(0x44, write: [0x24, 0x00], answer: []), .pause(.milliseconds(15)),
        .transfer(0x44, write: [], answer: [0x66, 0x66, sum, 0x80, 0x00, 0xA2]),
      ]
    }
    let key = I2CBus<RecordedTransport>.ChipKey(address: 0x44, driver: "sht3x")
    var bus = bus(measurement(0x92) + measurement(0x91) + measurement(0x93))
    #expect(near(try bus.measure(key, "temperature", { SHT3x(address: 0x44) }).get().value, 25, 0.001))
    var broken = self.bus(measurement(0x92) + measurement(0x91) + measurement(0x90))
    #expect(broken.measure(key, "temperature") { SHT3x(address: 0x44) } == .failure(.checksum))
    #expect(broken.base.remaining == 0)
  }

  @Test func aChipThatFailedIsPreparedAgain() throws {
    let failure: [RecordedTransport.Step] = [
      .fault(0x76, write: [0xF4, 0x25], .gone)
    ]
    var bus = bus(BoschTests.bmpStart + failure + BoschTests.bmpStart + BoschTests.bmpMeasurement)
    #expect(bus.measure(Self.key, "temperature", Self.bmp280) == .failure(.gone))
    // The other quantities of the chip share the failure.
    #expect(bus.measure(Self.key, "pressure", Self.bmp280) == .failure(.gone))
    hands.advance(.seconds(1))
    #expect(near(try bus.measure(Self.key, "temperature", Self.bmp280).get().value, 25.08, 0.005))
    #expect(bus.base.remaining == 0)
  }

  @Test func theBreakerOpensRestsAndProbes() throws {
    let fault = RecordedTransport.Step.fault(0x48, write: [0], .timeout)
    let threeTries: [RecordedTransport.Step] = [
      fault, .pause(.milliseconds(1)), fault, .pause(.milliseconds(4)), fault,
    ]
    // The sixth failure opens the breaker.
    var bus = bus(
      threeTries + threeTries + [fault, .transfer(0x48, write: [0], answer: [1]), fault, .pause(.zero)]
        + [.transfer(0x48, write: [0], answer: [2])])
    for _ in 0..<2 {
      #expect(throws: HALError.Fault.timeout) { try bus.transfer(0x48, write: [0], read: 1) }
    }
    let left = bus.base.remaining
    #expect(throws: HALError.Fault.resting) { try bus.transfer(0x48, write: [0], read: 1) }
    hands.advance(.milliseconds(999))
    #expect(throws: HALError.Fault.resting) { try bus.transfer(0x48, write: [0], read: 1) }
    #expect(bus.base.remaining == left)
    // One probe, without retries; it fails, and the rest is twice as long.
    hands.advance(.milliseconds(1))
    #expect(throws: HALError.Fault.timeout) { try bus.transfer(0x48, write: [0], read: 1) }
    hands.advance(.milliseconds(1999))
    #expect(throws: HALError.Fault.resting) { try bus.transfer(0x48, write: [0], read: 1) }
    hands.advance(.milliseconds(1))
    #expect(try bus.transfer(0x48, write: [0], read: 1) == [1])
    // Closed again, with retries.
    #expect(try bus.transfer(0x48, write: [0], read: 1) == [2])
    #expect(bus.base.remaining == 0)
  }

  @Test func restsDoNotGrowForEver() {
    var breaker = CircuitBreaker(threshold: 1, firstRest: .seconds(1), longestRest: .seconds(8))
    for expected in [1, 2, 4, 8, 8, 8] {
      breaker.failed(.timeout, at: hands.now)
      hands.advance(.seconds(expected) - .nanoseconds(1))
      let early = breaker.admits(at: hands.now)
      hands.advance(.nanoseconds(1))
      let due = breaker.admits(at: hands.now)
      #expect(!early && due)
    }
  }

  @Test func aSilentChipDoesNotOpenTheBreaker() {
    var breaker = CircuitBreaker(threshold: 2)
    for _ in 0..<10 {
      breaker.failed(.noAcknowledge, at: hands.now)
      breaker.failed(.timeout, at: hands.now)
      breaker.failed(.checksum, at: hands.now)
    }
    #expect(breaker.isClosed)
  }

  @Test(arguments: [
    (ENXIO, HALError.Fault.noAcknowledge), (EREMOTEIO, .noAcknowledge), (ETIMEDOUT, .timeout),
    (EAGAIN, .arbitrationLost), (ENODEV, .gone), (EBADMSG, .checksum),
  ])
  func errorNumbers(_ number: Int32, _ fault: HALError.Fault) {
    #expect(HALError.Fault(transfer: number) == fault)
  }

  // MARK: PCA9685

  /// Data sheet, "PWM frequency PRE_SCALE": 200 Hz is a prescale of 0x1E; the ends are 3 and 255.
  @Test(arguments: [(200, 0x1E), (1526, 0x03), (24, 0xFD), (50, 0x79)])
  func prescale(_ frequency: Int, _ value: Int) {
    #expect(PCA9685(address: 0x40, frequency: frequency).prescale == UInt8(value))
  }

  @Test(
    arguments: [
      (0, [0, 0, 0, 0x10]), (1, [0, 0x10, 0, 0]), (0.5, [0, 0, 0x00, 0x08]), (0.25, [0, 0, 0x00, 0x04]),
      (4095.0 / 4096, [0, 0, 0xFF, 0x0F]), (0.00001, [0, 0, 0, 0x10]), (0.99999, [0, 0x10, 0, 0]),
      (7, [0, 0x10, 0, 0]),
    ] as [(Double, [UInt8])])
  func levels(_ level: Double, _ registers: [UInt8]) { #expect(PCA9685.registers(level) == registers) }

  @Test func aChipThatRunsAlreadyIsNotDisturbed() throws {
    var bus = bus([
      .transfer(0x40, write: [0x00], answer: [0x20]), .transfer(0x40, write: [0xFE], answer: [0x79]),
      .transfer(0x40, write: [0x0A, 0, 0x10, 0, 0], answer: []),
      .transfer(0x40, write: [0x00], answer: [0x20]), .transfer(0x40, write: [0x0A, 0, 0, 0, 0x10], answer: []),
    ])
    try bus.drive(0x40, channel: 1, frequency: 50, level: 1).get()
    try bus.drive(0x40, channel: 1, frequency: 50, level: 0).get()
    #expect(bus.base.remaining == 0)
    // Another frequency than it runs at.
    var other = self.bus([
      .transfer(0x40, write: [0x00], answer: [0x20]), .transfer(0x40, write: [0xFE], answer: [0x1E]),
      .transfer(0x40, write: [0x00, 0x30], answer: []), .transfer(0x40, write: [0xFE, 0x79], answer: []),
      .transfer(0x40, write: [0x00, 0x20], answer: []), .pause(.microseconds(500)),
      .transfer(0x40, write: [0x0A, 0, 0x10, 0, 0], answer: []),
    ])
    try other.drive(0x40, channel: 1, frequency: 50, level: 1).get()
    #expect(other.base.remaining == 0)
  }

  @Test func aChipThatLostItsPowerIsToldAgain() throws {
    let configuration: [RecordedTransport.Step] = [
      .transfer(0x40, write: [0x00], answer: [0x11]), .transfer(0x40, write: [0x00, 0x30], answer: []),
      .transfer(0x40, write: [0xFE, 0x79], answer: []), .transfer(0x40, write: [0x00, 0x20], answer: []),
      .pause(.microseconds(500)),
    ]
    var bus = bus(
      configuration + [
        .transfer(0x40, write: [0x06, 0, 0, 0, 0x08], answer: []),
        .transfer(0x40, write: [0x00], answer: [0x20]), .transfer(0x40, write: [0x42, 0, 0x10, 0, 0], answer: []),
      ] + configuration + [
        .transfer(0x40, write: [0x06, 0, 0, 0, 0x10], answer: []),
        .transfer(0x40, write: [0x42, 0, 0x10, 0, 0], answer: []),
      ])
    try bus.drive(0x40, channel: 0, frequency: 50, level: 0.5).get()
    try bus.drive(0x40, channel: 15, frequency: 50, level: 1).get()
    try bus.drive(0x40, channel: 0, frequency: 50, level: 0).get()
    #expect(bus.base.remaining == 0)
  }
}

import ChipKit
import Glibc
import HAL
import Model
import Synchronization
import Testing

@testable import Chips
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

  @Test func twoRetries() throws {
    var bus = bus([
      .fault(0x48, write: [0], .noAcknowledge), .pause(.milliseconds(1)), .fault(0x48, write: [0], .arbitrationLost),
      .pause(.milliseconds(4)), .transfer(0x48, write: [0], answer: [0x19, 0]),
    ])
    #expect(try bus.transfer(0x48, write: [0], read: 2) == [0x19, 0])
    #expect(bus.base.remaining == 0)
  }

  @Test func afterThreeAttemptsTheFaultIsReported() {
    var bus = bus([
      .fault(0x48, write: [0], .noAcknowledge), .pause(.milliseconds(1)), .fault(0x48, write: [0], .noAcknowledge),
      .pause(.milliseconds(4)), .fault(0x48, write: [0], .noAcknowledge),
    ])
    #expect(throws: HALError.Fault.noAcknowledge) { try bus.transfer(0x48, write: [0], read: 2) }
    #expect(bus.base.remaining == 0)
  }

  @Test(arguments: [HALError.Fault.gone, .inUse("x"), .protocolViolation("x"), .system(95, "x")])
  func otherFaultsAreNotRetried(_ fault: HALError.Fault) {
    var bus = bus([.fault(0x48, write: [0], fault)])
    #expect(throws: fault) { try bus.transfer(0x48, write: [0], read: 2) }
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
    // One probe without retries fails, and the next rest is twice as long.
    hands.advance(.milliseconds(1))
    #expect(throws: HALError.Fault.timeout) { try bus.transfer(0x48, write: [0], read: 1) }
    hands.advance(.milliseconds(1999))
    #expect(throws: HALError.Fault.resting) { try bus.transfer(0x48, write: [0], read: 1) }
    hands.advance(.milliseconds(1))
    #expect(try bus.transfer(0x48, write: [0], read: 1) == [1])
    // Closed again, so with retries.
    #expect(try bus.transfer(0x48, write: [0], read: 1) == [2])
    #expect(bus.base.remaining == 0)
  }

  /// A sensor that blocks the bus with each transfer, polled continuously, beside an expander that works.
  @Test func aHangingChipDoesNotStopTheOthers() throws {
    let fault = RecordedTransport.Step.fault(0x23, write: [0x10], .timeout)
    let threeTries: [RecordedTransport.Step] = [
      fault, .pause(.milliseconds(1)), fault, .pause(.milliseconds(4)), fault,
    ]
    let drive: [RecordedTransport.Step] = [
      .transfer(0x40, write: [0x00], answer: [0x20, 0x04]), .transfer(0x40, write: [0x06, 0, 0, 0, 0x10], answer: []),
    ]
    var bus = bus(
      [
        .transfer(0x40, write: [0x00], answer: [0x20, 0x04]), .transfer(0x40, write: [0xFE], answer: [0x79]),
        .transfer(0x40, write: [0x06, 0, 0x10, 0, 0], answer: []),
      ] + threeTries + threeTries + drive + [fault] + drive)
    _ = try bus.drive(0x40, channel: 0, frequency: 50, level: 1).get()
    for _ in 0..<2 { #expect(throws: HALError.Fault.timeout) { try bus.transfer(0x23, write: [0x10], read: 2) } }
    #expect(throws: HALError.Fault.resting) { try bus.transfer(0x23, write: [0x10], read: 2) }
    _ = try bus.drive(0x40, channel: 0, frequency: 50, level: 0).get()
    // Transfers of the working chip do not end the rest of the other; it needs its own probe.
    #expect(throws: HALError.Fault.resting) { try bus.transfer(0x23, write: [0x10], read: 2) }
    hands.advance(.seconds(1))
    #expect(throws: HALError.Fault.timeout) { try bus.transfer(0x23, write: [0x10], read: 2) }
    _ = try bus.drive(0x40, channel: 0, frequency: 50, level: 0).get()
    #expect(bus.base.remaining == 0)
  }

  @Test func aRecoveredBusClosesAllBreakers() {
    var breakers = CircuitBreakers(CircuitBreaker(threshold: 1, firstRest: .seconds(8)))
    for address in [0x23, 0x48] as [UInt8] { breakers.failed(address, .timeout, at: hands.now) }
    hands.advance(.seconds(8))
    breakers.failed(0x23, .timeout, at: hands.now)
    let early = breakers.admit(0x23, at: hands.now)
    let due = breakers.admit(0x48, at: hands.now)
    breakers.succeeded(0x48, at: hands.now)
    let freed = breakers.admit(0x23, at: hands.now)
    #expect(!early && due && freed)
  }

  @Test func aSafeLevelPassesAnOpenBreaker() throws {
    let hung = RecordedTransport.Step.fault(0x40, write: [0x00], .timeout)
    let threeTries: [RecordedTransport.Step] = [
      hung, .pause(.milliseconds(1)), hung, .pause(.milliseconds(4)), hung,
    ]
    let safe: [RecordedTransport.Step] = [
      .transfer(0x40, write: [0x00], answer: [0x20, 0x04]), .transfer(0x40, write: [0xFE], answer: [0x79]),
      .transfer(0x40, write: [0x06, 0, 0, 0, 0x10], answer: []),
    ]
    var bus = bus(threeTries + threeTries + [hung] + safe)
    func drive(_ level: Double) -> HALError.Fault? {
      switch bus.drive(0x40, channel: 0, frequency: 50, level: level, urgent: level == 0) {
      case .success: nil
      case .failure(let fault): fault
      }
    }
    #expect([drive(1), drive(1), drive(1)] == [.timeout, .timeout, .resting])
    // Each command is tried once, at once, until the chip takes it.
    #expect(drive(0) == .timeout)
    #expect(drive(1) == .resting)
    #expect(drive(0) == nil)
    #expect(bus.base.remaining == 0)
  }

  @Test func restsAreBounded() {
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
}

extension I2CBus {
  /// Drives a channel of a chip with 16 of them.
  fileprivate mutating func drive(
    _ address: UInt8, channel: Int, frequency: Int, level: Double, urgent: Bool = false
  ) -> Result<Bool, HALError.Fault> {
    drive(address, channel: channel, level: level, urgent: urgent) { PCA9685(address: address, frequency: frequency) }
  }
}

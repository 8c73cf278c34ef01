import ChipKit
import HAL
import Testing

@testable import Chips

@Suite struct PCA9685Tests {
  /// A driver for 50 Hz with a recorded bus.
  private struct PWMBench {
    private var chip = PCA9685(address: 0x40, frequency: 50)
    private var bus: RecordedTransport

    init(_ steps: [RecordedTransport.Step]) { bus = RecordedTransport(steps) }

    var remaining: Int { bus.remaining }

    mutating func set(_ channel: Int, _ level: Double) throws(HALError.Fault) -> Bool {
      try chip.set(channel, level, &bus)
    }
  }

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

  @Test func aRunningChipIsNotDisturbed() throws {
    var bench = PWMBench([
      .transfer(0x40, write: [0x00], answer: [0x20, 0x04]), .transfer(0x40, write: [0xFE], answer: [0x79]),
      .transfer(0x40, write: [0x0A, 0, 0x10, 0, 0], answer: []),
      .transfer(0x40, write: [0x00], answer: [0x20, 0x04]), .transfer(0x40, write: [0x0A, 0, 0, 0, 0x10], answer: []),
    ])
    #expect(try !bench.set(1, 1))
    #expect(try !bench.set(1, 0))
    #expect(bench.remaining == 0)
    // A frequency different from the current one.
    var other = PWMBench([
      .transfer(0x40, write: [0x00], answer: [0x20, 0x04]), .transfer(0x40, write: [0xFE], answer: [0x1E]),
      .transfer(0x40, write: [0x00, 0x30], answer: []), .transfer(0x40, write: [0xFE, 0x79], answer: []),
      .transfer(0x40, write: [0x01, 0x04], answer: []), .transfer(0x40, write: [0x00, 0x20], answer: []),
      .pause(.microseconds(500)),
      .transfer(0x40, write: [0x0A, 0, 0x10, 0, 0], answer: []),
    ])
    #expect(try !other.set(1, 1))
    #expect(other.remaining == 0)
  }

  @Test func aChipThatLostItsPowerIsConfiguredAgain() throws {
    let configuration: [RecordedTransport.Step] = [
      .transfer(0x40, write: [0x00], answer: [0x11, 0x11]), .transfer(0x40, write: [0x00, 0x30], answer: []),
      .transfer(0x40, write: [0xFE, 0x79], answer: []), .transfer(0x40, write: [0x01, 0x04], answer: []),
      .transfer(0x40, write: [0x00, 0x20], answer: []),
      .pause(.microseconds(500)),
    ]
    var bench = PWMBench(
      configuration + [
        .transfer(0x40, write: [0x06, 0, 0, 0, 0x08], answer: []),
        .transfer(0x40, write: [0x00], answer: [0x20, 0x04]),
        .transfer(0x40, write: [0x42, 0, 0x10, 0, 0], answer: []),
      ] + configuration + [
        .transfer(0x40, write: [0x06, 0, 0, 0, 0x10], answer: []),
        .transfer(0x40, write: [0x42, 0, 0x10, 0, 0], answer: []),
      ])
    #expect(try !bench.set(0, 0.5))
    #expect(try !bench.set(15, 1))
    #expect(try bench.set(0, 0), "the second time it had lost its configuration")
    #expect(bench.remaining == 0)
  }

  /// INVRT inverts every level, and open drain drives nothing high: a configuration left by another program.
  @Test(arguments: [0x14, 0x00] as [UInt8]) func aChipWithAnotherOutputModeIsSetUp(mode: UInt8) throws {
    var bench = PWMBench([
      .transfer(0x40, write: [0x00], answer: [0x20, mode]), .transfer(0x40, write: [0x00, 0x30], answer: []),
      .transfer(0x40, write: [0xFE, 0x79], answer: []), .transfer(0x40, write: [0x01, 0x04], answer: []),
      .transfer(0x40, write: [0x00, 0x20], answer: []), .pause(.microseconds(500)),
      .transfer(0x40, write: [0x06, 0, 0, 0, 0x10], answer: []),
    ])
    _ = try bench.set(0, 0)
    #expect(bench.remaining == 0)
  }
}

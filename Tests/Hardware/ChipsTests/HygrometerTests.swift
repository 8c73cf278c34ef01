import ChipKit
import HAL
import Testing

@testable import Chips

@Suite struct HygrometerTests {
  /// SHT3x-DIS data sheet version 5, table 20: CRC(0xBEEF) = 0x92.
  @Test func checksumExample() { #expect(sensirionChecksum([0xBE, 0xEF]) == 0x92) }

  @Test func everySingleBitErrorIsSeen() {
    let good: [UInt8] = [0xBE, 0xEF, 0x92]
    for bit in 0..<24 {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: HALError.Fault.checksum) { try checkedWord(bad, 0) }
    }
  }

  @Test(
    arguments: [
      ([0x66, 0x66, 0x93, 0x80, 0x00, 0xA2], 25.0, 50.0), ([0x10, 0x00, 0xEF, 0x00, 0x00, 0x81], -34.0623, 0.0),
      ([0xFF, 0xFF, 0xAC, 0xFF, 0xFF, 0xAC], 130.0, 100.0),
    ] as [([UInt8], Double, Double)])
  func sht3x(_ data: [UInt8], _ celsius: Double, _ humidity: Double) throws {
    let found = try play(
      SHT3x(address: 0x44),
      [
        .transfer(0x44, write: [0x24, 0x00], answer: []), .pause(.microseconds(15500)),
        .transfer(0x44, write: [], answer: data),
      ])
    #expect(near(found["temperature"]?.value, celsius, 0.001))
    #expect(near(found["humidity"]?.value, humidity, 0.001))
  }

  @Test func sht3xChecksumError() {
    let answer = fault(
      SHT3x(address: 0x44),
      [
        .transfer(0x44, write: [0x24, 0x00], answer: []), .pause(.milliseconds(15)),
        .transfer(0x44, write: [], answer: [0x66, 0x66, 0x94, 0x80, 0x00, 0xA2]),
      ])
    #expect(answer == .checksum)
  }

  /// The humidity is clamped to 0 and 100.
  @Test(
    arguments: [
      ([0x66, 0x66, 0x93, 0x80, 0x00, 0xA2], 25.0, 56.501), ([0x10, 0x00, 0xEF, 0x00, 0x00, 0x81], -34.0623, 0.0),
      ([0xFF, 0xFF, 0xAC, 0xFF, 0xFF, 0xAC], 130.0, 100.0),
    ] as [([UInt8], Double, Double)])
  func sht4x(_ data: [UInt8], _ celsius: Double, _ humidity: Double) throws {
    let found = try play(
      SHT4x(address: 0x44),
      [
        .transfer(0x44, write: [0xFD], answer: []), .pause(.microseconds(8300)),
        .transfer(0x44, write: [], answer: data),
      ])
    #expect(near(found["temperature"]?.value, celsius, 0.001))
    #expect(near(found["humidity"]?.value, humidity, 0.001))
  }

  private static let trigger: [RecordedTransport.Step] = [
    .transfer(0x38, write: [0xAC, 0x33, 0x00], answer: []), .pause(.milliseconds(80)),
  ]

  @Test func aht20() throws {
    var driver = AHT20(address: 0x38)
    let warm: [UInt8] = [0x1C, 0x80, 0x00, 0x06, 0x00, 0x00, 0x4E]
    let first = try play(
      &driver,
      [.transfer(0x38, write: [], answer: [0x1C])] + Self.trigger + [.transfer(0x38, write: [], answer: warm)])
    #expect(first == ["temperature": Measurement(25), "humidity": Measurement(50)])
    let cold: [UInt8] = [0x1C, 0x80, 0x00, 0x03, 0x33, 0x33, 0x28]
    let second = try play(&driver, Self.trigger + [.transfer(0x38, write: [], answer: cold)])
    #expect(near(second["temperature"]?.value, -10, 0.001))
  }

  @Test func aht20LoadsItsCalibrationAndWaits() throws {
    let busy: [UInt8] = [0x9C, 0, 0, 0, 0, 0, 0]
    let found = try play(
      AHT20(address: 0x38),
      [
        .transfer(0x38, write: [], answer: [0x10]), .transfer(0x38, write: [0xBE, 0x08, 0x00], answer: []),
        .pause(.milliseconds(10)),
      ] + Self.trigger + [
        .transfer(0x38, write: [], answer: busy), .pause(.milliseconds(1)),
        .transfer(0x38, write: [], answer: [0x1C, 0x80, 0x00, 0x06, 0x00, 0x00, 0x4E]),
      ])
    #expect(found["humidity"] == Measurement(50))
  }

  /// After a power loss between two measurements, one is suspect and the next one is good again.
  @Test func aht20LoadsALostCalibrationAgain() throws {
    var driver = AHT20(address: 0x38)
    func measurement(_ status: UInt8) -> [RecordedTransport.Step] {
      let data: [UInt8] = [status, 0x80, 0x00, 0x06, 0x00, 0x00]
      return Self.trigger + [.transfer(0x38, write: [], answer: data + [sensirionChecksum(data)])]
    }
    let check = RecordedTransport.Step.transfer(0x38, write: [], answer: [0x10])
    #expect(
      try play(&driver, [.transfer(0x38, write: [], answer: [0x18])] + measurement(0x18))["humidity"]?.quality == .good)
    #expect(try play(&driver, measurement(0x10))["humidity"]?.quality == .suspect)
    let healed = try play(
      &driver,
      [check, .transfer(0x38, write: [0xBE, 0x08, 0x00], answer: []), .pause(.milliseconds(10))] + measurement(0x18))
    #expect(healed == ["temperature": Measurement(25), "humidity": Measurement(50)])
  }

  @Test func aht20ChecksumError() {
    let steps: [RecordedTransport.Step] =
      [.transfer(0x38, write: [], answer: [0x18])] + Self.trigger + [
        .transfer(0x38, write: [], answer: [0x1C, 0x80, 0x00, 0x06, 0x00, 0x00, 0x4F])
      ]
    #expect(fault(AHT20(address: 0x38), steps) == .checksum)
  }
}

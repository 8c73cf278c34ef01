import ChipKit
import HAL
import Testing

@testable import Chips

@Suite struct ClockChipTests {
  /// The registers of a DS3231 with this time and temperature.
  private func registers(
    _ time: [UInt8], status: UInt8 = 0, temperature: (UInt8, UInt8) = (0x19, 0x40)
  ) -> [UInt8] {
    time + [UInt8](repeating: 0, count: 8) + [status, 0, temperature.0, temperature.1]
  }

  private func measure(_ registers: [UInt8]) throws -> [String: Measurement] {
    try play(DS3231(address: 0x68), [.transfer(0x68, write: [0x00], answer: registers)])
  }

  /// 19-5170, "Temperature registers": 00011001 01 is +25.25 °C; the rest by two's complement.
  @Test(arguments: [
    (0x19, 0x40, 25.25), (0x00, 0x00, 0), (0xFF, 0xC0, -0.25), (0xF5, 0x80, -10.5), (0x7F, 0xC0, 127.75),
  ])
  func temperature(_ high: Int, _ low: Int, _ celsius: Double) throws {
    let found = try measure(registers([0, 0, 0, 1, 1, 1, 0], temperature: (UInt8(high), UInt8(low))))
    #expect(found["temperature"] == Measurement(celsius))
  }

  /// The expected values are those of `date -u -d '…' +%s`.
  @Test(
    arguments: [
      ([0x58, 0x59, 0x23, 0x04, 0x29, 0x02, 0x24], 1_709_251_198),  // 2024-02-29 23:59:58
      ([0x00, 0x00, 0x00, 0x07, 0x01, 0x01, 0x00], 946_684_800),  // 2000-01-01
      ([0x00, 0x00, 0x00, 0x01, 0x01, 0x03, 0x00], 951_868_800),  // 2000-03-01
      ([0x30, 0x15, 0x52, 0x01, 0x31, 0x12, 0x99], 4_102_359_330),  // 2099-12-31 00:15:30, as 12 in the morning
      ([0x00, 0x00, 0x00, 0x06, 0x01, 0x81, 0x00], 4_102_444_800),  // 2100-01-01: the century bit
    ] as [([UInt8], Int)])
  func time(_ time: [UInt8], _ seconds: Int) throws {
    #expect(try measure(registers(time))["time"] == Measurement(Double(seconds)))
  }

  @Test func twelveHours() {
    // 11:30:00 in the afternoon of 2026-11-22, then noon.
    #expect(DS3231.seconds([0x00, 0x30, 0x71, 1, 0x22, 0x11, 0x26]) == 1_795_390_200)
    #expect(DS3231.seconds([0x00, 0x00, 0x72, 1, 0x22, 0x11, 0x26]) == 1_795_348_800)
  }

  @Test func aStoppedOscillatorIsSuspect() throws {
    let found = try measure(registers([0, 0, 0, 1, 1, 1, 0], status: 0x80))
    #expect(found["time"]?.quality == .suspect)
    #expect(found["temperature"]?.quality == .good)
  }

  @Test(
    arguments: [
      [0x5A, 0, 0, 1, 1, 1, 0], [0x60, 0, 0, 1, 1, 1, 0], [0, 0, 0x24, 1, 1, 1, 0], [0, 0, 0, 1, 0, 1, 0],
      [0, 0, 0, 1, 1, 0x13, 0], [0, 0, 0, 1, 1, 1, 0xAA], [0, 0, 0x40, 1, 1, 1, 0],
    ] as [[UInt8]])
  func noTimeFromWrongDigits(_ time: [UInt8]) throws {
    let found = try measure(registers(time))
    #expect(found["time"] == nil)
    #expect(found["temperature"] != nil)
  }
}

import ChipKit
import HAL
import Testing

@testable import Chips

@Suite struct ThermometerTests {
  /// SBOS397, "12-bit temperature data format".
  @Test(arguments: [
    (0x7FF, 127.9375), (0x640, 100), (0x500, 80), (0x4B0, 75), (0x320, 50), (0x190, 25), (0x004, 0.25), (0x000, 0),
    (0xFFC, -0.25), (0xE70, -25), (0xC90, -55),
  ])
  func tmp102Table(_ code: Int, _ celsius: Double) throws {
    let word = UInt16(code) << 4
    let found = try play(
      TMP102(address: 0x48),
      [.transfer(0x48, write: [0x00], answer: [UInt8(word >> 8), UInt8(word & 0xFF)])])
    #expect(found == ["value": Measurement(celsius)])
  }

  /// SBOS397, "13-bit temperature data format"; bit 0 is set in extended mode.
  @Test(arguments: [(0x0960, 150), (0x0800, 128), (0x07FF, 127.9375), (0x0190, 25), (0x1FFC, -0.25), (0x1C90, -55)])
  func tmp102ExtendedTable(_ code: Int, _ celsius: Double) {
    #expect(TMP102.celsius(UInt16(code) << 3 | 1) == celsius)
  }

  /// NXP LM75B data sheet, "Temp register value".
  @Test(arguments: [
    (0x3F8, 127), (0x3F7, 126.875), (0x3F1, 126.125), (0x3E8, 125), (0x0C8, 25), (0x001, 0.125), (0x000, 0),
    (0x7FF, -0.125), (0x738, -25), (0x649, -54.875), (0x648, -55),
  ])
  func lm75Table(_ code: Int, _ celsius: Double) throws {
    let word = UInt16(code) << 5
    let found = try play(
      LM75(address: 0x4F), [.transfer(0x4F, write: [0x00], answer: [UInt8(word >> 8), UInt8(word & 0xFF)])])
    #expect(found == ["value": Measurement(celsius)])
    #expect(LM75.celsius(word | 0x1F) == celsius)
  }

  private static let mcp9808: [RecordedTransport.Step] = [
    .transfer(0x18, write: [0x06], answer: [0x00, 0x54]), .transfer(0x18, write: [0x07], answer: [0x04, 0x00]),
  ]

  /// DS25095, reading +25.25 °C from the ambient temperature register, and its negative.
  @Test(arguments: [(0xC1, 0x94, 25.25), (0x01, 0x94, 25.25), (0x1E, 0x6C, -25.25), (0x1F, 0xFF, -0.0625)])
  func mcp9808(_ high: Int, _ low: Int, _ celsius: Double) throws {
    let reading = RecordedTransport.Step.transfer(0x18, write: [0x05], answer: [UInt8(high), UInt8(low)])
    var driver = MCP9808(address: 0x18)
    #expect(try play(&driver, Self.mcp9808 + [reading]) == ["value": Measurement(celsius)])
    // The identity is read once.
    #expect(try play(&driver, [reading]) == ["value": Measurement(celsius)])
  }

  @Test func anotherChipIsNotAnMCP9808() throws {
    let answer = fault(
      MCP9808(address: 0x18),
      [
        .transfer(0x18, write: [0x06], answer: [0x00, 0x54]), .transfer(0x18, write: [0x07], answer: [0x02, 0x00]),
      ])
    guard case .protocolViolation(let text)? = answer else {
      Issue.record("\(String(describing: answer))")
      return
    }
    #expect(text.contains("0x2"))
  }

  @Test func aMissingAcknowledgeIsReported() {
    #expect(fault(TMP102(address: 0x48), [.fault(0x48, write: [0x00], .noAcknowledge)]) == .noAcknowledge)
  }
}

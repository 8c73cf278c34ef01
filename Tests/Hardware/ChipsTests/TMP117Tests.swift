import ChipKit
import HAL
import Testing

@testable import Chips

@Suite struct TMP117Tests {
  private static let trigger: [RecordedTransport.Step] = [
    .transfer(0x48, write: [0x01, 0x0C, 0x20], answer: []), .pause(.milliseconds(140)),
  ]
  private static let identity = RecordedTransport.Step.transfer(0x48, write: [0x0F], answer: [0x11, 0x17])

  /// The identity, whose upper four bits are the revision, is read once.
  @Test func oneShots() throws {
    var driver = TMP117(address: 0x48)
    let reading = RecordedTransport.Step.transfer(0x48, write: [0x00], answer: [0x0C, 0x80])
    #expect(try play(&driver, [Self.identity] + Self.trigger + [reading]) == ["value": Measurement(25)])
    #expect(try play(&driver, Self.trigger + [reading]) == ["value": Measurement(25)])
  }

  /// -256 °C means that no conversion has finished since power-on.
  @Test func powerOnIsNoReading() throws {
    let steps: [RecordedTransport.Step] = [
      .transfer(0x48, write: [0x00], answer: [0x80, 0x00]), .pause(.milliseconds(10)),
      .transfer(0x48, write: [0x00], answer: [0xFF, 0xF0]),
    ]
    let found = try play(TMP117(address: 0x48), [Self.identity] + Self.trigger + steps)
    #expect(found == ["value": Measurement(-0.125)])
  }

  @Test func anotherChipIsRefused() {
    // A TMP116.
    let answer = fault(TMP117(address: 0x48), [.transfer(0x48, write: [0x0F], answer: [0x11, 0x16])])
    #expect(answer == .protocolViolation("not a TMP117: its device ID is 0x1116 (0x117 expected)"))
  }
}

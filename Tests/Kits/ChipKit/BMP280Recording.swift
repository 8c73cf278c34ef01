import Chips

/// The transfers of a BMP280 with the example of its data sheet.
package enum BMP280Recording {
  /// The calibration, 24 bytes from 0x88 on.
  package static let words = held(0x88)
  /// Pressure and temperature, 6 bytes from 0xF7 on.
  package static let burst = held(0xF7)

  private static func held(_ register: Int) -> [UInt8] {
    ChipSensor.all.first { $0.name == "bmp280" }?.examples[0].holds.first { $0.offset == register }?.bytes ?? []
  }

  package static let start: [RecordedTransport.Step] = [
    .transfer(0x76, write: [0xD0], answer: [0x58]), .transfer(0x76, write: [0xF3], answer: [0x00]),
    .transfer(0x76, write: [0x88], answer: words),
  ]
  package static let measurement: [RecordedTransport.Step] = [
    .transfer(0x76, write: [0xF4, 0x25], answer: []), .pause(.microseconds(9300)),
    .transfer(0x76, write: [0xF3], answer: [0x00]), .transfer(0x76, write: [0xF7], answer: burst),
  ]
}

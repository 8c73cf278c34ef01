import KernelTestKit

// BMP280 and BME280. The worked example of BST-BMP280-DS001, section 3.12, and for the humidity the formula in whole
// numbers of BST-BME280-DS002, section 4.2.3, which is not the one the driver uses.
extension ChipCase {
  private static let words: [Int] = [
    27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000,
  ]
  private static let (rawTemperature, rawPressure, rawHumidity) = (519_888, 415_148, 26_000)
  private static let humidity = (h1: 75, h2: 365, h3: 0, h4: 315, h5: 50, h6: 30)

  static var bosch: [ChipCase] {
    let wantedHumidity = wholeHumidity()
    return [
      ChipCase(
        "BMP280", [("bmp280_temperature", 25.08, 0.01, "°C"), ("bmp280_pressure", 1006.5327, 0.01, "hPa")],
        hold: {
          try hold($0, id: 0x58)
        }, look: { try expect(try $0.contents(0xF4, 1), is: [0b001_001_01], "ctrl_meas") }),
      ChipCase(
        "BME280",
        [
          ("bme280_temperature", 25.08, 0.01, "°C"), ("bme280_pressure", 1006.5327, 0.01, "hPa"),
          ("bme280_humidity", wantedHumidity, 0.02, "%"),
        ],
        hold: { chip in
          try hold(chip, id: 0x60)
          let (h1, h2, h3, h4, h5, h6) = humidity
          try chip.hold([UInt8(h1)], at: 0xA1)
          // dig_H4 and dig_H5 share the byte at 0xE5 (table 16).
          try chip.hold(
            [
              UInt8(h2 & 0xFF), UInt8(h2 >> 8), UInt8(h3), UInt8(h4 >> 4), UInt8(h4 & 0x0F | (h5 & 0x0F) << 4),
              UInt8(h5 >> 4), UInt8(h6),
            ], at: 0xE1)
          try chip.hold([UInt8(rawHumidity >> 8), UInt8(rawHumidity & 0xFF)], at: 0xFD)
        }, look: { try expect(try $0.contents(0xF2, 1), is: [0b001], "ctrl_hum") }),
    ]
  }

  private static func hold(_ chip: SimulatedBus.Chip, id: UInt8) throws {
    try chip.hold([id], at: 0xD0)
    try chip.hold([0], at: 0xF3)
    try chip.hold(words.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF)] }, at: 0x88)
    for (raw, register) in [(rawPressure, 0xF7), (rawTemperature, 0xFA)] {
      try chip.hold([UInt8(raw >> 12), UInt8(raw >> 4 & 0xFF), UInt8(raw << 4 & 0xF0)], at: register)
    }
  }

  private static func wholeHumidity() -> Double {
    let t1 = (((rawTemperature >> 3) - (words[0] << 1)) * words[1]) >> 11
    let distance = (rawTemperature >> 4) - words[0]
    let fine = t1 + ((((distance * distance) >> 12) * words[2]) >> 14)
    let (h1, h2, h3, h4, h5, h6) = humidity
    let v = fine - 76800
    let curve = (((v * h6) >> 10) * (((v * h3) >> 11) + 32768)) >> 10
    let slope = ((curve + 2_097_152) * h2 + 8192) >> 14
    var x = (((rawHumidity << 14) - (h4 << 20) - h5 * v + 16384) >> 15) * slope
    x -= ((((x >> 15) * (x >> 15)) >> 7) * h1) >> 4
    return Double(min(max(x, 0), 419_430_400) >> 12) / 1024
  }
}

/// The calibration of a BMP280 or BME280 and the formulas that use it.
///
/// BST-BMP280-DS001, section 3.11.2 "Trimming parameter readout" (table 17) and appendix 8.1 "Compensation formula in
/// floating point"; BST-BME280-DS002, section 4.2.2 "Trimming parameter readout" and the corresponding appendix.
/// Floating point cannot overflow, even with the answers of a broken chip.
struct BoschCompensation: Sendable {
  private let t1: Double, t2: Double, t3: Double
  private let p: [Double]
  private var h: [Double] = []

  /// - Parameter words: the 24 bytes from register 0x88 on, as read.
  init(_ words: [UInt8]) {
    func signed(_ index: Int) -> Double { Double(Int16(bitPattern: littleEndian(words, index))) }
    t1 = Double(littleEndian(words, 0))
    t2 = signed(2)
    t3 = signed(4)
    p = [Double(littleEndian(words, 6))] + stride(from: 8, through: 22, by: 2).map(signed)
  }

  /// Adds the BME280's calibration of humidity.
  /// - Parameters:
  ///   - first: the byte at 0xA1.
  ///   - rest: 7 bytes from 0xE1 on; dig_H4 and dig_H5 share the one at 0xE5.
  mutating func addHumidity(_ first: UInt8, _ rest: [UInt8]) {
    let h4 = Int16(Int8(bitPattern: rest[3])) << 4 | Int16(rest[4] & 0x0F)
    let h5 = Int16(Int8(bitPattern: rest[5])) << 4 | Int16(rest[4] >> 4)
    h = [
      Double(first), Double(Int16(bitPattern: littleEndian(rest, 0))), Double(rest[2]), Double(h4), Double(h5),
      Double(Int8(bitPattern: rest[6])),
    ]
  }

  /// The fine temperature that the other formulas need, in 1/5120 °C.
  func fine(_ raw: UInt32) -> Double {
    let raw = Double(raw)
    let first = (raw / 16384 - t1 / 1024) * t2
    let distance = raw / 131072 - t1 / 8192
    return first + distance * distance * t3
  }

  /// The temperature in °C.
  func celsius(fine: Double) -> Double { fine / 5120 }

  /// The pressure in Pa; nil when the calibration leads to a division by zero.
  func pascal(_ raw: UInt32, fine: Double) -> Double? {
    let half = fine / 2 - 64000
    let square = half * half * p[5] / 32768 + half * p[4] * 2
    let offset = square / 4 + p[3] * 65536
    let slope = (1 + (p[2] * half * half / 524288 + p[1] * half) / 524288 / 32768) * p[0]
    guard slope != 0 else { return nil }
    let linear = (1_048_576 - Double(raw) - offset / 4096) * 6250 / slope
    return linear + (p[8] * linear * linear / 2_147_483_648 + linear * p[7] / 32768 + p[6]) / 16
  }

  /// The relative humidity in %, clamped to 0 to 100; nil without the calibration of humidity.
  func humidity(_ raw: UInt16, fine: Double) -> Double? {
    guard h.count == 6 else { return nil }
    let distance = fine - 76800
    let bent = 1 + h[5] / 67_108_864 * distance * (1 + h[2] / 67_108_864 * distance)
    let linear = (Double(raw) - (h[3] * 64 + h[4] / 16384 * distance)) * (h[1] / 65536 * bent)
    return min(max(linear * (1 - h[0] * linear / 524288), 0), 100)
  }
}

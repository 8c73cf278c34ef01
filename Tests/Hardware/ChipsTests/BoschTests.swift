import ChipKit
import HAL
import Testing

@testable import Chips

@Suite struct BoschTests {
  @Test func bmp280Example() throws {
    var driver = BoschEnvironment(address: 0x76, model: .bmp280)
    let found = try play(&driver, BMP280Recording.start + BMP280Recording.measurement)
    #expect(near(found["temperature"]?.value, 25.08, 0.005))
    #expect(near(found["pressure"]?.value, 1006.5327, 0.0005))
    #expect(found.count == 2)
    // The calibration is read once.
    #expect(try play(&driver, BMP280Recording.measurement) == found)
  }

  @Test func fineTemperatureOfTheExample() {
    #expect(near(BoschCompensation(BMP280Recording.words).fine(519888), 128422, 1))
  }

  @Test func aPendingConversionIsPolled() throws {
    let driver = BoschEnvironment(address: 0x76, model: .bmp280)
    let steps: [RecordedTransport.Step] =
      BMP280Recording.start + [
        .transfer(0x76, write: [0xF4, 0x25], answer: []), .pause(.milliseconds(9)),
        .transfer(0x76, write: [0xF3], answer: [0x08]), .pause(.milliseconds(1)),
        .transfer(0x76, write: [0xF3], answer: [0x00]),
        // 0x80000 twice: nothing was sampled.
        .transfer(0x76, write: [0xF7], answer: [0x80, 0, 0, 0x80, 0, 0]),
      ]
    #expect(try play(driver, steps).isEmpty)
  }

  @Test func theOtherChipIsNamed() {
    let answer = fault(
      BoschEnvironment(address: 0x76, model: .bme280), [.transfer(0x76, write: [0xD0], answer: [0x58])])
    #expect(answer == .protocolViolation("not a bme280: its id is 0x58, which is a bmp280"))
  }

  @Test func aBlankCalibrationIsNoPressure() {
    let blank = BoschCompensation([UInt8](repeating: 0, count: 24))
    #expect(blank.pascal(415148, fine: 128422) == nil)
  }

  /// The fixed-point humidity formula of BST-BME280-DS002, "Compensation formulas", as an independent reference.
  private func fixedPointHumidity(_ raw: Int, fine: Int, _ h: [Int]) -> Double {
    let d = fine - 76800
    let left = ((raw << 14) - (h[3] << 20) - h[4] * d + 16384) >> 15
    let bend = (((d * h[5]) >> 10) * (((d * h[2]) >> 11) + 32768)) >> 10
    var x = left * (((bend + 2_097_152) * h[1] + 8192) >> 14)
    x -= ((((x >> 15) * (x >> 15)) >> 7) * h[0]) >> 4
    return Double(min(max(x, 0), 419_430_400) >> 12) / 1024
  }

  @Test func bme280HumidityAgreesWithFixedPoint() throws {
    // dig_H1 75, dig_H2 362, dig_H3 0, dig_H4 313 (0x139), dig_H5 -50 (0xFCE), dig_H6 30.
    let rest: [UInt8] = [0x6A, 0x01, 0x00, 0x13, 0xE9, 0xFC, 0x1E]
    var compensation = BoschCompensation(BMP280Recording.words)
    compensation.addHumidity(75, rest)
    for raw in stride(from: 20000, through: 45000, by: 1000) {
      for fine in [-50000, 0, 76800, 128422, 250000] {
        let expected = fixedPointHumidity(raw, fine: fine, [75, 362, 0, 313, -50, 30])
        #expect(near(compensation.humidity(UInt16(raw), fine: Double(fine)), expected, 0.05), "\(raw) \(fine)")
      }
    }
  }

  @Test func bme280MeasuresAllThree() throws {
    let steps: [RecordedTransport.Step] = [
      .transfer(0x77, write: [0xD0], answer: [0x60]), .transfer(0x77, write: [0xF3], answer: [0x00]),
      .transfer(0x77, write: [0x88], answer: BMP280Recording.words), .transfer(0x77, write: [0xA1], answer: [75]),
      .transfer(0x77, write: [0xE1], answer: [0x6A, 0x01, 0x00, 0x13, 0xE9, 0xFC, 0x1E]),
      .transfer(0x77, write: [0xF2, 0x01], answer: []), .transfer(0x77, write: [0xF4, 0x25], answer: []),
      .pause(.microseconds(9300)), .transfer(0x77, write: [0xF3], answer: [0x00]),
      .transfer(0x77, write: [0xF7], answer: BMP280Recording.burst + [0x75, 0x30]),
    ]
    let found = try play(BoschEnvironment(address: 0x77, model: .bme280), steps)
    #expect(near(found["temperature"]?.value, 25.08, 0.005))
    #expect(near(found["pressure"]?.value, 1006.5327, 0.0005))
    let expected = fixedPointHumidity(0x7530, fine: 128422, [75, 362, 0, 313, -50, 30])
    #expect(expected > 1 && expected < 99)
    #expect(near(found["humidity"]?.value, expected, 0.05))
  }
}

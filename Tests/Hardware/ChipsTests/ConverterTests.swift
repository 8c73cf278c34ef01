import ChipKit
import HAL
import Model
import Testing

@testable import Chips

@Suite struct ConverterTests {
  /// BH1750FVI data sheet: "10000011 10010000" is 28067 lx.
  @Test func bh1750Example() throws {
    let found = try play(
      BH1750(address: 0x23),
      [
        .transfer(0x23, write: [0x01], answer: []), .transfer(0x23, write: [0x20], answer: []),
        .pause(.milliseconds(180)), .transfer(0x23, write: [], answer: [0x83, 0x90]),
      ])
    #expect(near(found["value"]?.value, 28067, 0.5))
  }

  /// SBAS444, "Input signal versus ideal output code", at ±2.048 V.
  @Test(arguments: [
    (0x7FFF, 2.048 * 32767 / 32768, Reading.Quality.suspect), (0x0001, 62.5e-6, .good), (0x0000, 0, .good),
    (0xFFFF, -62.5e-6, .good), (0x8000, -2.048, .suspect),
  ])
  func ads1115Codes(_ code: Int, _ volts: Double, _ quality: Reading.Quality) throws {
    let found = try play(
      ADS1115(address: 0x48, input: .single0, range: .volts2_048),
      [
        .transfer(0x48, write: [0x01, 0xC5, 0x83], answer: []), .pause(.microseconds(7813)),
        .transfer(0x48, write: [0x01], answer: [0x45, 0x83]), .pause(.microseconds(1)),
        .transfer(0x48, write: [0x01], answer: [0xC5, 0x83]),
        .transfer(0x48, write: [0x00], answer: [UInt8(code >> 8), UInt8(code & 0xFF)]),
      ])
    #expect(near(found["value"]?.value, volts, 1e-12))
    #expect(found["value"]?.quality == quality)
  }

  /// SBAS444, "Config register": MUX in bits 14 to 12, PGA in bits 11 to 9.
  @Test(arguments: [
    (ADS1115.Input.difference01, ADS1115.Range.volts6_144, 0x81), (.difference03, .volts4_096, 0x93),
    (.difference23, .volts1_024, 0xB7), (.single3, .volts0_256, 0xFB),
  ])
  func ads1115Configuration(_ input: ADS1115.Input, _ range: ADS1115.Range, _ high: Int) throws {
    let found = try play(
      ADS1115(address: 0x49, input: input, range: range),
      [
        .transfer(0x49, write: [0x01, UInt8(high), 0x83], answer: []), .pause(.milliseconds(8)),
        .transfer(0x49, write: [0x01], answer: [UInt8(high), 0x83]),
        .transfer(0x49, write: [0x00], answer: [0x40, 0x00]),
      ])
    #expect(near(found["value"]?.value, range.volts / 2))
  }

  /// SBOS448, "Configure/measure/calculate example": 2 mΩ, 1 mA a count: calibration 0x5000; 20 mV, 11.98 V,
  /// 10 A, 119.8 W.
  @Test func ina219Example() throws {
    var driver = INA219(address: 0x40, shuntOhms: 0.002, currentStep: 0.001)
    #expect(driver.calibration == 0x5000)
    let reading: [RecordedTransport.Step] = [
      .transfer(0x40, write: [0x01], answer: [0x07, 0xD0]), .transfer(0x40, write: [0x02], answer: [0x5D, 0x98]),
      .transfer(0x40, write: [0x03], answer: [0x17, 0x66]), .transfer(0x40, write: [0x04], answer: [0x27, 0x10]),
    ]
    let set: [RecordedTransport.Step] = [
      .transfer(0x40, write: [0x00, 0x39, 0x9F], answer: []), .transfer(0x40, write: [0x05, 0x50, 0x00], answer: []),
      .pause(.microseconds(1172)),
    ]
    func look(_ configuration: UInt16, _ calibration: UInt16?) -> [RecordedTransport.Step] {
      [(0x00, configuration), (0x05, calibration)].compactMap { register, word in
        word.map { .transfer(0x40, write: [register], answer: [UInt8($0 >> 8), UInt8($0 & 0xFF)]) }
      }
    }
    // After power-on, configured, after a brown-out, and powered down by another program.
    for steps in [
      look(0x399F, 0) + set + reading, look(0x399F, 0x5000) + reading, look(0x399F, 0) + set + reading,
      look(0x3998, nil) + set + reading,
    ] {
      let found = try play(&driver, steps)
      #expect(near(found["shunt"]?.value, 0.020))
      #expect(near(found["voltage"]?.value, 11.98))
      #expect(near(found["current"]?.value, 10))
      #expect(near(found["power"]?.value, 119.8))
    }
  }

  @Test func ina219BelowZeroAndOverflow() throws {
    let driver = INA219(address: 0x41, shuntOhms: 0.1)
    #expect(driver.calibration == 4096)
    let found = try play(
      driver,
      [
        .transfer(0x41, write: [0x00], answer: [0x39, 0x9F]), .transfer(0x41, write: [0x05], answer: [0x10, 0x00]),
        // -320 mV (PGA /8: 0x8300).
        .transfer(0x41, write: [0x01], answer: [0x83, 0x00]), .transfer(0x41, write: [0x02], answer: [0x00, 0x01]),
        .transfer(0x41, write: [0x03], answer: [0x00, 0x00]), .transfer(0x41, write: [0x04], answer: [0x83, 0x00]),
      ])
    #expect(near(found["shunt"]?.value, -0.32))
    #expect(near(found["current"]?.value, -3.2))
    #expect(found["current"]?.quality == .suspect)
    #expect(found["shunt"]?.quality == .good)
  }

  @Test func mpu6050() throws {
    var driver = MPU6050(address: 0x68)
    let data: [UInt8] = [
      0x40, 0x00, 0xC0, 0x00, 0x20, 0x00, 0xF0, 0x60, 0x00, 0x83, 0xFF, 0x7D, 0x7F, 0xFF,
    ]
    let first = try play(
      &driver,
      [
        .transfer(0x68, write: [0x75], answer: [0x68]), .transfer(0x68, write: [0x6B], answer: [0x40]),
        .transfer(0x68, write: [0x1B], answer: [0x00, 0x00]),
        .transfer(0x68, write: [0x6B, 0x01], answer: []), .transfer(0x68, write: [0x1B, 0x00], answer: []),
        .transfer(0x68, write: [0x1C, 0x00], answer: []), .pause(.milliseconds(30)),
        .transfer(0x68, write: [0x3B], answer: data),
      ])
    #expect(first["accel_x"] == Measurement(1))
    #expect(first["accel_y"] == Measurement(-1))
    #expect(first["accel_z"] == Measurement(0.5))
    #expect(first["gyro_x"] == Measurement(1))
    #expect(first["gyro_y"] == Measurement(-1))
    #expect(near(first["gyro_z"]?.value, 250, 0.2))
    #expect(near(first["temperature"]?.value, -4000.0 / 340 + 36.53))
    let second = try play(
      &driver,
      [
        .transfer(0x68, write: [0x6B], answer: [0x01]), .transfer(0x68, write: [0x1B], answer: [0x00, 0x07]),
        .transfer(0x68, write: [0x3B], answer: data),
      ])
    #expect(second == first)
    // Awake, with ranges set by another program: ±2000 °/s, ±8 g.
    for ranges in [[0x18, 0x00], [0x00, 0x10]] as [[UInt8]] {
      let third = try play(
        &driver,
        [
          .transfer(0x68, write: [0x6B], answer: [0x01]), .transfer(0x68, write: [0x1B], answer: ranges),
          .transfer(0x68, write: [0x6B, 0x01], answer: []), .transfer(0x68, write: [0x1B, 0x00], answer: []),
          .transfer(0x68, write: [0x1C, 0x00], answer: []), .pause(.milliseconds(30)),
          .transfer(0x68, write: [0x3B], answer: data),
        ])
      #expect(third == first)
    }
    #expect(
      fault(MPU6050(address: 0x68), [.transfer(0x68, write: [0x75], answer: [0x71])])
        == .protocolViolation("not an MPU-6050: WHO_AM_I is 0x71 (0x68 expected)"))
  }

  @Test(
    arguments: [
      ([0x12], RegisterSensor.Options(register: 7, bytes: 1), 18.0),
      ([0xFE], RegisterSensor.Options(register: 7, bytes: 1, isSigned: true), -2),
      ([0x01, 0x02], RegisterSensor.Options(register: 7, bytes: 2), 258),
      ([0x01, 0x02], RegisterSensor.Options(register: 7, bytes: 2, isLittleEndian: true), 513),
      ([0xFF, 0xFF, 0xFE], RegisterSensor.Options(register: 7, bytes: 3, isSigned: true), -2),
      ([0x80, 0, 0, 0], RegisterSensor.Options(register: 7, bytes: 4, isSigned: true), -2_147_483_648),
      ([0xFF, 0xFF, 0xFF, 0xFF], RegisterSensor.Options(register: 7, bytes: 4), 4_294_967_295),
      // The TMP102's -25 °C by mask and shift.
      ([0xE7, 0x00], RegisterSensor.Options(register: 7, bytes: 2, isSigned: true, mask: 0xFFF0, shift: 4), -400),
      ([0xAB, 0xCD], RegisterSensor.Options(register: 7, bytes: 2, mask: 0, shift: 3), 0),
      ([0x80], RegisterSensor.Options(register: 7, bytes: 1, isSigned: true, mask: 0xFFFF_FFFF, shift: 31), 0),
    ] as [([UInt8], RegisterSensor.Options, Double)])
  func register(_ bytes: [UInt8], _ options: RegisterSensor.Options, _ value: Double) throws {
    let found = try play(
      RegisterSensor(address: 0x20, options: options), [.transfer(0x20, write: [7], answer: bytes)])
    #expect(found == ["value": Measurement(value)])
  }

  @Test func registerWritesItsInitialisationOnce() throws {
    let options = RegisterSensor.Options(register: 0x10, bytes: 1, transfers: [[0x01, 0x60], [0x02]])
    var driver = RegisterSensor(address: 0x20, options: options)
    let reading = RecordedTransport.Step.transfer(0x20, write: [0x10], answer: [5])
    _ = try play(
      &driver,
      [
        .transfer(0x20, write: [0x01, 0x60], answer: []), .transfer(0x20, write: [0x02], answer: []), reading,
      ])
    #expect(try play(&driver, [reading]) == ["value": Measurement(5)])
  }
}

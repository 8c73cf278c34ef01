import KernelTestKit

// Register contents and values from the data sheets named.
extension ChipCase {
  static var all: [ChipCase] { thermometers + bosch + hygrometers + converters + others }

  private static var thermometers: [ChipCase] {
    let words: [(UInt16, Double)] = [(0x1900, 25), (0x7FF0, 127.9375), (0x0040, 0.25), (0xFFC0, -0.25), (0xE700, -25)]
    // TMP102, SBOS397, table 9 "12-bit temperature data format".
    let tmp102 = words.map { word, celsius in
      ChipCase("TMP102 at \(celsius) °C", [("tmp102", celsius, 0, "°C")], hold: { try $0.hold(words: [word]) })
    }
    // LM75B, NXP, table 11 "Temp register value".
    let lm75Words: [(UInt16, Double)] = [(0x7F00, 127), (0x1900, 25), (0x0020, 0.125), (0xFFE0, -0.125), (0xC900, -55)]
    let lm75 = lm75Words.map { word, celsius in
      ChipCase("LM75 at \(celsius) °C", [("lm75", celsius, 0, "°C")], hold: { try $0.hold(words: [word]) })
    }
    // MCP9808, DS25095, registers 5-4 (T_A, with the alert flags set), 5-5 and 5-6 (identity).
    let mcp9808 = [(UInt16(0xC194), 25.25), (0x1E6C, -25.25)].map { word, celsius in
      ChipCase("MCP9808 at \(celsius) °C", [("mcp9808", celsius, 0, "°C")]) {
        try $0.hold(words: [word, 0x0054, 0x0400], at: 5)
      }
    }
    return tmp102 + lm75 + mcp9808
  }

  private static var hygrometers: [ChipCase] {
    let ticks = checked(0x6666) + checked(0x8000)
    return [
      // SHT3x-DIS, section 4.13; 0xBEEF with 0x92 is the checksum example of table 19.
      ChipCase(
        "SHT3x", [("sht3x_temperature", 25, 0.001, "°C"), ("sht3x_humidity", 100 * 32768.0 / 65535, 0.001, "%")],
        hold: { try $0.hold(ticks) }),
      ChipCase(
        "SHT3x with the data sheet's checksum", [("sht3x_temperature", -45 + 175 * 48879.0 / 65535, 0.001, "°C")],
        hold: { try $0.hold([0xBE, 0xEF, 0x92] + checked(0)) }),
      // SHT4x, section 4.6.
      ChipCase(
        "SHT4x",
        [("sht4x_temperature", 25, 0.001, "°C"), ("sht4x_humidity", -6 + 125 * 32768.0 / 65535, 0.001, "%")],
        hold: { try $0.hold(ticks) }),
      // AHT20, sections 5.4 and 6: 0x80000 of 2²⁰ is 50 %, 0x60000 is 25 °C; status 0x1C is calibrated and idle.
      ChipCase(
        "AHT20", [("aht20_temperature", 25, 0.001, "°C"), ("aht20_humidity", 50, 0.001, "%")],
        hold: {
          let data: [UInt8] = [0x1C, 0x80, 0x00, 0x06, 0x00, 0x00]
          try $0.hold(data + [checksum(data)])
        }),
      // BH1750FVI, "Measurement sequence example": 1000 0011 1001 0000 is 28067 lx.
      ChipCase("BH1750", [("bh1750", 28067, 1, "lx")], hold: { try $0.hold([0x83, 0x90]) }),
    ]
  }

  private static var converters: [ChipCase] {
    [
      // ADS1115, SBAS444, table 7-3: a quarter of the full scale of ±4.096 V, and below zero.
      ChipCase(
        "ADS1115", [("ads1115", 1.024, 0.0001, "V")], hold: { try $0.hold(words: [0x2000, 0x8583]) },
        look: {
          // Single shot of AIN2 at ±4.096 V, 128 samples a second, no comparator.
          try expect(try $0.contents(2, 2), is: [0b1110_0011, 0b1000_0011], "config register")
        }),
      ChipCase(
        "ADS1115 below zero", [("ads1115", -2.048, 0.0001, "V")], hold: { try $0.hold(words: [0xC000, 0x8583]) }),
      // INA219, SBOS448, section 8.5.1: 0x5D98 is 11.98 V, 0x07D0 is 20 mV; at 0.1 Ω that is 0.2 A, and 2.396 W.
      ChipCase(
        "INA219",
        [
          ("ina219_voltage", 11.98, 0.0001, "V"), ("ina219_shunt", 0.020, 1e-6, "V"),
          ("ina219_current", 0.2, 1e-6, "A"), ("ina219_power", 2.396, 1e-6, "W"),
        ],
        hold: { try $0.hold(words: [0x0000, 0x07D0, 0x5D98, 1198, 2000, 0]) },
        look: {
          try expect(try $0.contents(0, 2), is: [0x39, 0x9F], "configuration")
          // Equation 1: 0.04096 / (100 µA × 0.1 Ω) = 4096.
          try expect(try $0.contents(10, 2), is: [0x10, 0x00], "calibration")
        }),
    ]
  }

  private static var others: [ChipCase] {
    [
      // MPU-6050, RM-MPU-6000A, sections 4.17 to 4.19; asleep after power-on (4.28).
      ChipCase(
        "MPU6050",
        [
          ("mpu6050_accel_z", 1, 0, "g"), ("mpu6050_gyro_x", -10, 0, "°/s"),
          ("mpu6050_temperature", 36.53 - 3920.0 / 340, 0.001, "°C"),
        ],
        hold: {
          try $0.hold([0x68], at: 0x75)
          try $0.hold([0x40], at: 0x6B)
          // Acceleration 0, 0, 16384; temperature -3920; rotation -1310, 0, 0.
          try $0.hold([0, 0, 0, 0, 0x40, 0, 0xF0, 0xB0, 0xFA, 0xE2, 0, 0, 0, 0], at: 0x3B)
        }, look: { try expect(try $0.contents(0x6B, 1), is: [0x01], "PWR_MGMT_1") }),
      // DS3231, 19-5170, figure 1; 0x19 and 0x40 are its example of 25.25 °C.
      ChipCase(
        "DS3231", [("ds3231_temperature", 25.25, 0, "°C"), ("ds3231_time", 1_709_251_198, 0, "s")],
        hold: {
          // 2024-02-29 23:59:58, a leap day.
          try $0.hold([0x58, 0x59, 0x23, 0x05, 0x29, 0x02, 0x24], at: 0x00)
          try $0.hold([0x00, 0x00, 0x19, 0x40], at: 0x0F)
        }),
      ChipCase(
        "a register of two bytes, little-endian and signed", [("level", -150, 0, "mm")],
        hold: { try $0.hold([0xD4, 0xFE], at: 0x10) },  // -300, halved by the board file
        look: { try expect(try $0.contents(0x01, 1), is: [0x60], "what 'init' writes") }),
    ]
  }
}

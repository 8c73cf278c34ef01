// swift-format-ignore-file
// Written by .ci/chips from the other files of this folder: do not edit.

extension ChipSensor {
  /// Every chip that measures.
  package static let all: [ChipSensor] = [
    ADS1115.sensor,
    AHT20.sensor,
    BH1750.sensor,
    BoschEnvironment.bme280,
    BoschEnvironment.bmp280,
    DS3231.sensor,
    INA219.sensor,
    LM75.sensor,
    MCP9808.sensor,
    MPU6050.sensor,
    RegisterSensor.sensor,
    SHT3x.sensor,
    SHT4x.sensor,
    TMP102.sensor,
    TMP117.sensor,
  ]
}

extension ChipOutput {
  /// Every chip with outputs.
  package static let all: [ChipOutput] = [
    PCA9685.output,
  ]
}

import HAL
import Model

/// Which chip driver a sensor device asks for, and which of its quantities.
struct ChipChoice {
  let key: I2CSensor.Bus.ChipKey
  let quantity: String
  let unit: String
  let make: @Sendable () -> any ChipDriver

  /// Reads a device's options; nil when its driver is none for I²C.
  init?(_ device: Device, _ settings: SensorSettings) throws(HALError) {
    let options = DeviceOptions(device)
    guard let units = Self.units[device.driver] else { return nil }
    let address = try options.address()
    var variant = ""
    switch device.driver {
    case "tmp102": make = { TMP102(address: address) }
    case "lm75": make = { LM75(address: address) }
    case "mcp9808": make = { MCP9808(address: address) }
    case "bme280": make = { BoschEnvironment(address: address, model: .bme280) }
    case "bmp280": make = { BoschEnvironment(address: address, model: .bmp280) }
    case "sht3x": make = { SHT3x(address: address) }
    case "sht4x": make = { SHT4x(address: address) }
    case "aht20": make = { AHT20(address: address) }
    case "bh1750": make = { BH1750(address: address) }
    case "mpu6050": make = { MPU6050(address: address) }
    case "ds3231": make = { DS3231(address: address) }
    case "ads1115":
      let input: ADS1115.Input = try options.choice(
        "channel",
        [
          "0": .single0, "1": .single1, "2": .single2, "3": .single3, "0-1": .difference01, "0-3": .difference03,
          "1-3": .difference13, "2-3": .difference23,
        ])
      let range: ADS1115.Range = try Self.range(options)
      variant = "\(input) \(range)"
      make = { ADS1115(address: address, input: input, range: range) }
    case "ina219":
      let shunt = options.number("shunt_ohms", standard: 0.1)
      guard shunt.isFinite, shunt > 0, shunt <= 1000 else { throw options.wrong("shunt_ohms", "must be above 0 Ω") }
      variant = "\(shunt)"
      make = { INA219(address: address, shuntOhms: shunt) }
    default:
      let register = try Self.register(options)
      variant = "\(register)"
      make = { RegisterSensor(address: address, options: register) }
    }
    key = I2CSensor.Bus.ChipKey(address: address, driver: device.driver, variant: variant)
    let names = units.map(\.key)
    quantity = options.text("quantity") ?? names[0]
    guard let known = units.first(where: { [quantity] in $0.key == quantity }) else {
      throw options.wrong("quantity", "must be one of \(names.joined(separator: ", ")), not '\(quantity)'")
    }
    unit = known.value.isEmpty ? settings.unit ?? "" : known.value
  }

  /// The quantities of each driver, the standard one first, with their units; `value` where there is only one.
  private static let units: [String: KeyValuePairs<String, String>] = [
    "tmp102": ["value": "°C"], "lm75": ["value": "°C"], "mcp9808": ["value": "°C"],
    "bme280": ["temperature": "°C", "humidity": "%", "pressure": "hPa"],
    "bmp280": ["temperature": "°C", "pressure": "hPa"],
    "sht3x": ["temperature": "°C", "humidity": "%"], "sht4x": ["temperature": "°C", "humidity": "%"],
    "aht20": ["temperature": "°C", "humidity": "%"],
    "bh1750": ["value": "lx"], "ads1115": ["value": "V"],
    "ina219": ["voltage": "V", "current": "A", "power": "W", "shunt": "V"],
    "mpu6050": [
      "accel_x": "g", "accel_y": "g", "accel_z": "g", "gyro_x": "°/s", "gyro_y": "°/s", "gyro_z": "°/s",
      "temperature": "°C",
    ],
    "ds3231": ["temperature": "°C", "time": "s"],
    "register": ["value": ""],
  ]

  private static func range(_ options: DeviceOptions) throws(HALError) -> ADS1115.Range {
    let text = options.text("range") ?? "2.048"
    let ranges: KeyValuePairs<String, ADS1115.Range> = [
      "6.144": .volts6_144, "4.096": .volts4_096, "2.048": .volts2_048, "1.024": .volts1_024, "0.512": .volts0_512,
      "0.256": .volts0_256,
    ]
    guard let range = ranges.first(where: { $0.key == text }) else {
      throw options.wrong("range", "must be one of \(ranges.map(\.key).joined(separator: ", ")), not '\(text)'")
    }
    return range.value
  }

  private static func register(_ options: DeviceOptions) throws(HALError) -> RegisterSensor.Options {
    let mask = options.isPresent("mask") ? UInt32(try options.int("mask", 0...0xFFFF_FFFF)) : nil
    return RegisterSensor.Options(
      register: UInt8(try options.int("register", 0...255)),
      bytes: try options.choice("width", ["8": 1, "16": 2, "24": 3, "32": 4]),
      isLittleEndian: try options.choice("endian", ["big": false, "little": true]),
      isSigned: options.bool("signed"), mask: mask, shift: Int(try options.int("shift", 0...31, standard: 0)),
      transfers: try options.transfers("init"))
  }
}

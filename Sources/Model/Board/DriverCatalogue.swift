import OpenStarryAgent

/// Every hardware driver there is: what kind of device it makes and which options it takes.
///
/// One table for the checker, the documentation and the hardware layers, so that they cannot disagree.
public enum DriverCatalogue {
  /// One driver.
  public struct Entry: Sendable {
    /// As `driver:` names it.
    public var name: String
    /// `sensor`, `input`, `actuator` or `camera`.
    public var kind: String
    /// Which hardware layer has it.
    public var backends: [Board.Backend]
    /// What it takes besides the settings of its kind.
    public var options: [Option]
    /// One line for people.
    public var summary: String
  }

  /// One option of a driver.
  public struct Option: Sendable {
    /// Its key in the board file.
    public var name: String
    /// What it must be.
    public var type: OptionType
    /// What it is when left out; nil with `required` false means absent.
    public var standard: Value?
    /// Whether it must be there.
    public var required: Bool
  }

  /// What an option must be.
  public enum OptionType: Sendable, Equatable {
    case int(ClosedRange<Int64>)
    case number
    case bool
    case text
    case choice([String])
    case duration
    /// The name of an I²C bus of the board.
    case bus
    /// The name of a GPIO chip of the board.
    case chip
    /// The id of another device of the board.
    case device
    /// A map that the driver reads itself.
    case map
    case list
  }

  /// The driver called `name` that makes devices of `kind`; nil when there is none.
  public static func entry(_ name: String, kind: String) -> Entry? {
    all.first { $0.name == name && $0.kind == kind }
  }

  /// All drivers, by kind.
  public static let all: [Entry] = i2cSensors + kernelSensors + lines + actuators + cameras + simulated

  private static func option(_ name: String, _ type: OptionType, _ standard: Value? = nil) -> Option {
    Option(name: name, type: type, standard: standard, required: false)
  }

  private static func required(_ name: String, _ type: OptionType) -> Option {
    Option(name: name, type: type, standard: nil, required: true)
  }

  /// An I²C sensor: its default address is the one its data sheet gives for the pin strapping most boards have; nil
  /// where the file must say it.
  private static func i2c(
    _ name: String, _ address: Int64?, _ quantities: [String] = [], _ more: [Option] = [], _ summary: String
  ) -> Entry {
    let addresses = OptionType.int(0x03...0x77)
    var options = [
      required("bus", .bus),
      address.map { option("address", addresses, .int($0)) } ?? required("address", addresses),
    ]
    if let first = quantities.first { options.append(option("quantity", .choice(quantities), .string(first))) }
    return Entry(name: name, kind: "sensor", backends: [.linux], options: options + more, summary: summary)
  }

  private static let i2cSensors: [Entry] = [
    i2c("tmp102", 0x48, [], [], "TI TMP102 temperature"),
    i2c("lm75", 0x48, [], [], "NXP/TI LM75 temperature"),
    i2c("mcp9808", 0x18, [], [], "Microchip MCP9808 temperature"),
    i2c("bme280", 0x76, ["temperature", "humidity", "pressure"], [], "Bosch BME280 temperature, humidity, pressure"),
    i2c("bmp280", 0x76, ["temperature", "pressure"], [], "Bosch BMP280 temperature, pressure"),
    i2c("sht3x", 0x44, ["temperature", "humidity"], [], "Sensirion SHT3x temperature, humidity"),
    i2c("sht4x", 0x44, ["temperature", "humidity"], [], "Sensirion SHT4x temperature, humidity"),
    i2c("aht20", 0x38, ["temperature", "humidity"], [], "Aosong AHT20 temperature, humidity"),
    i2c("bh1750", 0x23, [], [], "Rohm BH1750 ambient light"),
    i2c(
      "ads1115", 0x48, [],
      [
        option("channel", .choice(["0", "1", "2", "3", "0-1", "0-3", "1-3", "2-3"]), "0"),
        option("range", .choice(["6.144", "4.096", "2.048", "1.024", "0.512", "0.256"]), "2.048"),
      ], "TI ADS1115 16-bit ADC"),
    i2c(
      "ina219", 0x40, ["voltage", "current", "power", "shunt"], [option("shunt_ohms", .number, 0.1)],
      "TI INA219 voltage, current, power"),
    i2c(
      "mpu6050", 0x68,
      ["accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z", "temperature"], [],
      "InvenSense MPU6050 acceleration, rotation"),
    i2c("ds3231", 0x68, ["temperature", "time"], [], "Maxim DS3231 clock and its temperature"),
    i2c(
      "register", nil, [],
      [
        required("register", .int(0...255)), option("width", .choice(["8", "16", "24", "32"]), "8"),
        option("endian", .choice(["big", "little"]), "big"), option("signed", .bool, false),
        option("mask", .int(0...0xFFFF_FFFF)), option("shift", .int(0...31), 0),
        option("init", .list),
      ], "any chip with a value in a register"),
  ]

  private static let kernelSensors: [Entry] = [
    Entry(
      name: "hwmon", kind: "sensor", backends: [.linux],
      options: [required("chip_name", .text), required("attribute", .text)],
      summary: "an attribute of a kernel hwmon driver, e.g. coretemp temp1_input"),
    Entry(
      name: "iio", kind: "sensor", backends: [.linux],
      options: [required("device_name", .text), required("channel", .text)],
      summary: "a channel of a kernel IIO driver, e.g. bme280 in_temp"),
    Entry(
      name: "procfs", kind: "sensor", backends: [.linux, .simulated],
      options: [
        required(
          "quantity",
          .choice([
            "load1", "load5", "load15", "memory_free", "cpu_pressure", "memory_pressure", "io_pressure", "uptime",
          ])
        )
      ],
      summary: "the machine itself: load, free memory, pressure, uptime"),
    Entry(
      name: "thermal", kind: "sensor", backends: [.linux], options: [option("zone", .text)],
      summary: "a thermal zone of the kernel; the first one when none is named"),
  ]

  private static let line: [Option] = [
    required("chip", .chip), required("line", .text), option("active_low", .bool, false),
    option("bias", .choice(["as-is", "disabled", "pull-up", "pull-down"]), "as-is"),
  ]

  private static let lines: [Entry] = [
    Entry(name: "gpio", kind: "input", backends: [.linux], options: line, summary: "a GPIO line")
  ]

  private static let actuators: [Entry] = [
    Entry(
      name: "gpio", kind: "actuator", backends: [.linux],
      options: line + [option("drive", .choice(["push-pull", "open-drain", "open-source"]), "push-pull")],
      summary: "a GPIO line"),
    Entry(
      name: "pwm", kind: "actuator", backends: [.linux],
      options: [
        required("pwmchip", .text), option("channel", .int(0...63), 0), option("period", .duration, "1ms"),
        option("inverted", .bool, false),
      ], summary: "a kernel PWM channel"),
    Entry(
      name: "pca9685", kind: "actuator", backends: [.linux],
      options: [
        required("bus", .bus), option("address", .int(0x40...0x7F), 0x40), required("channel", .int(0...15)),
        option("frequency", .int(24...1526), 200),
      ], summary: "a channel of an NXP PCA9685"),
  ]

  private static let cameras: [Entry] = [
    Entry(
      name: "v4l2", kind: "camera", backends: [.linux],
      options: [required("path", .text)],
      summary: "a V4L2 camera; name it by /dev/v4l/by-id/… so that it is found again")
  ]

  private static let simulated: [Entry] = [
    Entry(
      name: "simulated", kind: "sensor", backends: [.simulated], options: [option("model", .map)],
      summary: "a scripted or modelled sensor"),
    Entry(
      name: "simulated", kind: "input", backends: [.simulated], options: [option("script", .list)],
      summary: "a scripted input"),
    Entry(
      name: "simulated", kind: "actuator", backends: [.simulated],
      options: [option("latency", .duration, "0s"), option("analogue", .bool, true)],
      summary: "an output that remembers what it was told"),
    Entry(
      name: "simulated", kind: "camera", backends: [.simulated], options: [option("scene", .map)],
      summary: "generated frames with moving objects"),
  ]
}

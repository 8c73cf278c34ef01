import Model

/// All hardware drivers, with the kind of device that each makes and its options.
///
/// The checker, the documentation and the hardware layers use this one table, so that they cannot disagree.
package enum DriverCatalogue {
  /// One driver.
  package struct Entry: Sendable {
    /// The value of `driver:` in the board file.
    package var name: String
    /// `sensor`, `input`, `actuator` or `camera`.
    package var kind: String
    /// The hardware layers that have the driver.
    package var backends: [Board.Backend]
    /// Its options besides the settings of its kind.
    package var options: [Option]
    /// One line for people.
    package var summary: String
  }

  /// One option of a driver.
  package struct Option: Sendable {
    /// Its key in the board file.
    package var name: String
    /// The type of its value.
    package var type: OptionType
    /// The default; nil when there is none.
    package var defaultValue: Value?
    /// Whether the board file must give it.
    package var required: Bool

    static func option(_ name: String, _ type: OptionType, _ defaultValue: Value? = nil) -> Option {
      Option(name: name, type: type, defaultValue: defaultValue, required: false)
    }

    static func required(_ name: String, _ type: OptionType) -> Option {
      Option(name: name, type: type, defaultValue: nil, required: true)
    }

    /// One of the keys of a table.
    static func choice(_ name: String, _ table: KeyValuePairs<String, some Any>, _ defaultValue: String) -> Option {
      option(name, .choice(table.map(\.key)), .string(defaultValue))
    }
  }

  /// The type of an option's value.
  package enum OptionType: Sendable, Equatable {
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

  /// The driver named `name` for devices of `kind`; nil when there is none.
  package static func entry(_ name: String, kind: String) -> Entry? {
    all.first { $0.name == name && $0.kind == kind }
  }

  /// All drivers, by kind.
  package static let all: [Entry] =
    ChipSensor.all.map(\.entry) + kernelSensors + lines + actuators + ChipOutput.all.map(\.entry) + cameras + simulated

  /// Selects one of several devices with the same name in the kernel.
  private static let choice: [Option] = [.option("path", .text), .option("serial", .text)]

  private static let kernelSensors: [Entry] = [
    Entry(
      name: "hwmon", kind: "sensor", backends: [.linux],
      options: [.required("chip_name", .text), .required("attribute", .text)] + choice,
      summary: "an attribute of a kernel hwmon driver, e.g. coretemp temp1_input"),
    Entry(
      name: "iio", kind: "sensor", backends: [.linux],
      options: [.required("device_name", .text), .required("channel", .text)] + choice,
      summary: "a channel of a kernel IIO driver, e.g. bme280 in_temp"),
    Entry(
      name: "procfs", kind: "sensor", backends: [.linux, .simulated],
      options: [
        .required(
          "quantity",
          .choice([
            "load1", "load5", "load15", "memory_free", "cpu_pressure", "memory_pressure", "io_pressure", "uptime",
          ])
        )
      ],
      summary: "the machine itself: load, free memory, pressure, uptime"),
    Entry(
      name: "thermal", kind: "sensor", backends: [.linux], options: [.option("zone", .text)],
      summary: "a thermal zone of the kernel; the first one when none is named"),
  ]

  private static let line: [Option] = [
    .required("chip", .chip), .required("line", .text), .option("active_low", .bool, false),
    .option("bias", .choice(["as-is", "disabled", "pull-up", "pull-down"]), "as-is"),
  ]

  private static let lines: [Entry] = [
    Entry(name: "gpio", kind: "input", backends: [.linux], options: line, summary: "a GPIO line")
  ]

  private static let actuators: [Entry] = [
    Entry(
      name: "gpio", kind: "actuator", backends: [.linux],
      options: line + [.option("drive", .choice(["push-pull", "open-drain", "open-source"]), "push-pull")],
      summary: "a GPIO line"),
    Entry(
      name: "pwm", kind: "actuator", backends: [.linux],
      options: [
        .required("pwmchip", .text), .option("channel", .int(0...63), 0), .option("period", .duration, "1ms"),
        .option("inverted", .bool, false),
      ], summary: "a kernel PWM channel"),
  ]

  private static let cameras: [Entry] = [
    Entry(
      name: "v4l2", kind: "camera", backends: [.linux],
      options: [.required("path", .text)],
      summary: "a V4L2 camera; name it by /dev/v4l/by-id/… so that it is found again")
  ]

  private static let simulated: [Entry] = [
    Entry(
      name: "simulated", kind: "sensor", backends: [.simulated], options: [.option("model", .map)],
      summary: "a scripted or modelled sensor"),
    Entry(
      name: "simulated", kind: "input", backends: [.simulated], options: [.option("script", .list)],
      summary: "a scripted input"),
    Entry(
      name: "simulated", kind: "actuator", backends: [.simulated],
      options: [
        .option("latency", .duration, "0s"), .option("analogue", .bool, true), .option("power_on", .number, 0.0),
        .option("forgets", .bool, false),
      ],
      summary: "an output that influences simulated sensors"),
    Entry(
      name: "simulated", kind: "camera", backends: [.simulated], options: [.option("scene", .map)],
      summary: "generated frames with moving objects"),
  ]
}

import HAL
import Model

/// A channel of an IIO driver; units follow Documentation/ABI/testing/sysfs-bus-iio.
struct IndustrialIO: KernelAttribute {
  /// The content of the device's `name` file, e.g. `bme280`.
  let device: String
  /// The channel without `_input` or `_raw`, e.g. `in_temp`, `in_voltage0`, `in_accel_x`.
  let channel: String
  /// Selects one of several devices of that name.
  let choice: DeviceChoice

  init(device: String, channel: String, choice: DeviceChoice = DeviceChoice()) {
    self.device = device
    self.choice = choice
    var channel = channel
    for suffix in ["_input", "_raw"] where channel.hasSuffix(suffix) { channel.removeLast(suffix.count) }
    self.channel = channel
  }

  var unit: String { conversion.unit }

  func read(_ tree: KernelTree) throws(HALError.Fault) -> Measurement {
    let folder = try find(tree)
    if tree.exists("\(folder)/\(channel)_input") {
      return Measurement(try tree.number("\(folder)/\(channel)_input") * conversion.factor)
    }
    let raw = try tree.number("\(folder)/\(channel)_raw")
    let offset = try setting("offset", in: folder, tree) ?? 0
    let scale = try setting("scale", in: folder, tree) ?? 1
    return Measurement((raw + offset) * scale * conversion.factor)
  }

  func place(_ tree: KernelTree) throws(HALError.Fault) -> String { "\(try find(tree))/\(channel)" }

  private func find(_ tree: KernelTree) throws(HALError.Fault) -> String {
    let folders = tree.names(in: "/sys/bus/iio/devices", prefix: "iio:device").map { "/sys/bus/iio/devices/\($0)" }
    let named = folders.filter { folder in
      (try? tree.text("\(folder)/name")) == device
        && (tree.exists("\(folder)/\(channel)_input") || tree.exists("\(folder)/\(channel)_raw"))
    }
    let all = folders.map { (try? tree.text("\($0)/name")) ?? "-" }
    return try choice.choose(named, "IIO devices called '\(device)'", " with '\(channel)'", of: all, tree)
  }

  /// A setting (`scale`, `offset`) of the channel, or the one shared by all channels of its type; nil without one.
  private func setting(_ name: String, in folder: String, _ tree: KernelTree) throws(HALError.Fault) -> Double? {
    // `in_voltage0-voltage1` shares `in_voltage-voltage_scale`, never `in_voltage_scale`; `in_accel_x` shares
    // `in_accel_scale`.
    let shared = channel.contains("-") ? channel.filter { !$0.isNumber } : "in_\(type)"
    for prefix in [channel, shared] where tree.exists("\(folder)/\(prefix)_\(name)") {
      return try tree.number("\(folder)/\(prefix)_\(name)")
    }
    return nil
  }

  private var type: Substring { channel.dropFirst("in_".count).prefix { $0.isLetter } }

  private var conversion: (factor: Double, unit: String) {
    switch type {
    case "temp": (0.001, "°C")
    case "voltage": (0.001, "V")
    case "current": (0.001, "A")
    case "power": (0.001, "W")
    case "humidityrelative": (0.001, "%")
    case "pressure": (10, "hPa")
    case "illuminance": (1, "lx")
    case "accel": (1, "m/s²")
    case "anglvel": (1, "rad/s")
    case "angl": (1, "rad")
    case "magn": (1, "G")
    case "resistance": (1, "Ω")
    case "capacitance": (1, "nF")
    case "distance": (1, "m")
    default: (1, "")
    }
  }
}

import HAL
import Model

/// An attribute of a hwmon driver; units follow Documentation/hwmon/sysfs-interface.rst.
struct HardwareMonitor: KernelAttribute {
  /// The content of the chip's `name` file, e.g. `coretemp`.
  let chip: String
  /// The attribute's file, e.g. `temp1_input`.
  let attribute: String
  /// Selects one of several chips of that name.
  var choice = DeviceChoice()

  var unit: String { conversion.unit }

  func read(_ tree: KernelTree) throws(HALError.Fault) -> Measurement {
    let path = try place(tree)
    let value = try tree.number(path) / conversion.divisor
    // `temp1_fault`, `fan1_fault`: 1 when the sensor itself is broken or open.
    let prefix = path.hasSuffix("_input") ? path.dropLast("input".count) : path[...]
    let faulty = try? tree.text("\(prefix)fault")
    return Measurement(value, quality: faulty == "1" ? .suspect : .good)
  }

  func place(_ tree: KernelTree) throws(HALError.Fault) -> String {
    var files: [String: String] = [:]
    let folders = tree.names(in: "/sys/class/hwmon", prefix: "hwmon").map { "/sys/class/hwmon/\($0)" }
    for folder in folders {
      // Older drivers keep their attributes in the device's folder.
      files[folder] = [folder, "\(folder)/device"].first {
        (try? tree.text("\($0)/name")) == chip && tree.exists("\($0)/\(attribute)")
      }
    }
    let all = folders.map { folder in
      (try? tree.text("\(folder)/name")) ?? (try? tree.text("\(folder)/device/name")) ?? "-"
    }
    let chosen = try choice.choose(
      folders.filter { files[$0] != nil }, "hwmon chips called '\(chip)'", " with '\(attribute)'", of: all, tree)
    return "\(files[chosen] ?? chosen)/\(attribute)"
  }

  private var conversion: (divisor: Double, unit: String) {
    switch attribute.prefix(while: { $0.isLetter }) {
    case "temp": (1000, "°C")
    case "in": (1000, "V")
    case "curr": (1000, "A")
    case "power": (1_000_000, "W")
    case "energy": (1_000_000, "J")
    case "humidity": (1000, "%")
    case "fan": (1, "rpm")
    case "freq": (1, "Hz")
    default: (1, "")
    }
  }
}

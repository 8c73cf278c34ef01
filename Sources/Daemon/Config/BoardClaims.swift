import Chips
import Model

/// Finds devices that claim the same hardware, which can have only one owner.
///
/// A board file cannot show that two names mean the same hardware (`pwmchip0` and `fe20c000.pwm`). Only equivalent
/// spellings are compared here; the hardware layer compares the kernel's identities when it opens the devices.
struct BoardClaims {
  let scope: BoardScope
  let findings: Findings

  /// Reports every device whose line, channel, address or node belongs to an earlier device.
  func check(_ devices: [Device]) {
    var owners: [String: Device] = [:]
    var chips: [String: Device] = [:]
    for device in devices {
      if let address = device.address(scope) {
        if let first = chips[address] { checkChip(device, first, address) } else { chips[address] = device }
      }
      guard let claim = device.claim(scope) else { continue }
      if let owner = owners[claim] {
        findings.error(
          device.location, "device '\(device.id)' uses \(claim), which device '\(owner.id)' has (\(owner.location))")
      } else {
        owners[claim] = device
      }
    }
    checkAttributes(devices)
  }

  /// The kernel gives chips of one kind the same name. If the file has several, each must be identified.
  private func checkAttributes(_ devices: [Device]) {
    let attributes = Dictionary(grouping: devices.filter { $0.attribute != nil }) { $0.attribute ?? "" }
    for device in devices where device.attribute != nil && !device.saysWhich {
      guard let attribute = device.attribute,
        let other = attributes[attribute]?.first(where: { $0.id != device.id })
      else { continue }
      findings.error(
        device.location,
        "device '\(device.id)' reads \(attribute), and so does device '\(other.id)' (\(other.location)):"
          + " add 'path' or 'serial' to both to identify their chips")
    }
  }

  /// Checks that devices on one I²C address, which are parts of one chip, agree on the chip.
  private func checkChip(_ device: Device, _ first: Device, _ address: String) {
    if device.driver != first.driver {
      findings.error(
        device.location,
        "device '\(device.id)' declares a \(device.driver) at \(address),"
          + " but device '\(first.id)' declares a \(first.driver) (\(first.location))")
    } else if let shared = ChipOutput.sharedOption(of: device.driver), device.options[shared] != first.options[shared] {
      findings.error(
        device.location,
        "device '\(device.id)' sets another '\(shared)' than '\(first.id)' (\(first.location)),"
          + " but all channels of a \(device.driver) share one")
    }
  }
}

extension Device {
  /// The description of the hardware that only one device may use; nil if it can be shared.
  fileprivate func claim(_ scope: BoardScope) -> String? {
    func option(_ name: String) -> String { options[name]?.shown ?? "?" }
    switch driver {
    case "gpio":
      guard let chip = options["chip"], let line = options["line"] else { return nil }
      // Compare chips by label: the file may have two names for one chip.
      let declared = chip.string.flatMap { scope.chips[$0] ?? nil }
      let place = declared?.path.map { " at '\($0)'" } ?? ""
      let number = Int(line.shown).map { "\($0)" } ?? line.shown
      return "line '\(number)' of chip '\(declared?.label ?? chip.shown)'\(place)"
    case "pwm": return options["pwmchip"].map { "channel \(option("channel")) of '\($0.shown)'" }
    case "v4l2": return options["path"].map { "'\($0.shown.plainPath)'" }
    case "hwmon", "iio":
      guard let attribute, saysWhich else { return nil }
      let place = ["path", "serial"].compactMap { name in options[name].map { "\(name) \($0.shown.plainPath)" } }
      return "\(attribute) (\(place.joined(separator: ", ")))"
    case "procfs", "thermal", "simulated": return nil
    default:
      guard let address = address(scope) else { return nil }
      let part = ["quantity", "channel", "register", "mask", "shift"].compactMap { name in
        options[name].map { "\(name) \($0.shown)" }
      }
      return part.isEmpty ? address : "\(part.joined(separator: ", ")) of \(address)"
    }
  }

  /// `address 0x76 of bus i2c1` for a device on an I²C bus.
  fileprivate func address(_ scope: BoardScope) -> String? {
    guard let name = options["bus"]?.string, let address = options["address"]?.int else { return nil }
    let bus = scope.buses[name] ?? nil
    return "address 0x\(String(address, radix: 16)) of bus '\(bus?.path?.plainPath ?? bus?.adapter ?? name)'"
  }

  /// `'temp1_input' of a hwmon chip called 'lm75'` for a sensor of a kernel driver; nil for others.
  fileprivate var attribute: String? {
    switch driver {
    case "hwmon":
      guard let chip = options["chip_name"], let attribute = options["attribute"] else { return nil }
      return "'\(attribute.shown)' of a hwmon chip called '\(chip.shown)'"
    case "iio":
      guard let name = options["device_name"], let channel = options["channel"] else { return nil }
      // The channel may be given with the suffix of its file.
      var text = channel.shown
      for ending in ["_input", "_raw"] where text.hasSuffix(ending) { text.removeLast(ending.count) }
      return "'\(text)' of an IIO device called '\(name.shown)'"
    default: return nil
    }
  }

  /// Whether the device identifies its chip among several.
  fileprivate var saysWhich: Bool { options["path"] != nil || options["serial"] != nil }
}

extension String {
  /// The path without empty components, `.` and a leading `/sys/devices`.
  fileprivate var plainPath: String {
    var parts = split(separator: "/").filter { $0 != "." }
    if parts.starts(with: ["sys", "devices"]) { parts.removeFirst(2) }
    return (hasPrefix("/") && !hasPrefix("/sys/devices") ? "/" : "") + parts.joined(separator: "/")
  }
}

extension Value {
  fileprivate var shown: String {
    switch self {
    case .string(let text): text
    case .int(let number): "\(number)"
    default: "?"
    }
  }
}

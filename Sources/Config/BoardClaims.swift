import Model

/// Finds devices that claim the same piece of hardware: it can have one owner only.
struct BoardClaims {
  let scope: BoardScope
  let findings: Findings

  /// Reports every device whose line, channel, address or node an earlier one has taken.
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
  }

  /// Devices on one I²C address are parts of one chip, so they agree on what chip that is.
  private func checkChip(_ device: Device, _ first: Device, _ address: String) {
    if device.driver != first.driver {
      findings.error(
        device.location,
        "device '\(device.id)' takes what is at \(address) for a \(device.driver),"
          + " and device '\(first.id)' for a \(first.driver) (\(first.location))")
    } else if let frequency = device.options["frequency"], frequency != first.options["frequency"] {
      findings.error(
        device.location,
        "device '\(device.id)' sets another 'frequency' than '\(first.id)' (\(first.location)),"
          + " and all channels of a \(device.driver) share one")
    }
  }
}

extension Device {
  /// What it takes for itself alone, in words; nil when others may share it.
  fileprivate func claim(_ scope: BoardScope) -> String? {
    func option(_ name: String) -> String { options[name]?.shown ?? "?" }
    switch driver {
    case "gpio":
      guard let chip = options["chip"], let line = options["line"] else { return nil }
      // Two names for one chip are one chip: its label counts.
      let label = (chip.string.flatMap { scope.chips[$0] ?? nil })?.label ?? chip.shown
      return "line '\(line.shown)' of chip '\(label)'"
    case "pwm": return options["pwmchip"].map { "channel \(option("channel")) of '\($0.shown)'" }
    case "v4l2": return options["path"].map { "'\($0.shown)'" }
    case "hwmon", "iio", "procfs", "thermal", "simulated": return nil
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
    return "address 0x\(String(address, radix: 16)) of bus '\(bus?.path ?? bus?.adapter ?? name)'"
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

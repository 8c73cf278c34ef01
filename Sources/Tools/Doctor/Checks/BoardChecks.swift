import Model

/// The board itself: supply, temperature, clock.
enum BoardChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    let model = machine.model.map { [Finding(.board, .ok, $0)] } ?? []
    return model + supply(machine) + temperature(machine) + clock(facts)
  }

  // MARK: Supply

  private static let remedy = "use a supply and a cable that are strong enough (5.1 V; 3 A for a Pi 4, 5 A for a Pi 5)"

  private static func supply(_ machine: Machine) -> [Finding] {
    var findings: [Finding] = []
    if let bits = throttled(machine) {
      // The bits of `vcgencmd get_throttled` in Raspberry Pi's documentation.
      if bits & 0x1 != 0 {
        findings.append(Finding(.board, .problem, "the supply's voltage is too low now", remedy: remedy))
      } else if bits & 0x1_0000 != 0 {
        findings.append(Finding(.board, .problem, "the supply's voltage was too low since the boot", remedy: remedy))
      }
      if bits & 0xE != 0 {
        findings.append(
          Finding(
            .board, .problem, "the processor is slowed down now",
            remedy: bits & 0x8 != 0 ? "cool the board: a heat sink, a fan, room for air" : remedy))
      } else if bits & 0xE_0000 != 0 {
        findings.append(
          Finding(.board, .note, "the processor was slowed down since the boot", remedy: "watch supply and temperature")
        )
      }
      if bits & 0xF_000F == 0 { findings.append(Finding(.board, .ok, "supply: never too low since the boot")) }
      return findings
    }
    // Documentation/hwmon/raspberrypi-hwmon.rst
    for chip in machine.names(in: "/sys/class/hwmon") {
      let folder = "/sys/class/hwmon/\(chip)"
      guard machine.text("\(folder)/name") == "rpi_volt", let alarm = machine.number("\(folder)/in0_lcrit_alarm") else {
        continue
      }
      findings.append(
        alarm == 1
          ? Finding(.board, .problem, "the supply's voltage is too low", remedy: remedy)
          : Finding(.board, .ok, "supply: the voltage is high enough"))
    }
    return findings
  }

  /// The firmware's flags, in hexadecimal digits.
  private static func throttled(_ machine: Machine) -> UInt32? {
    for soc in machine.names(in: "/sys/devices/platform") where soc.hasPrefix("soc") {
      let path = "/sys/devices/platform/\(soc)/\(soc):firmware/get_throttled"
      if let text = machine.text(path) {
        return UInt32(text.hasPrefix("0x") ? String(text.dropFirst(2)) : text, radix: 16)
      }
    }
    return nil
  }

  // MARK: Temperature

  /// A Raspberry Pi slows down at 80 °C.
  private static let hot = 80.0

  private static func temperature(_ machine: Machine) -> [Finding] {
    // Thousandths of a degree (Documentation/ABI/testing/sysfs-class-thermal).
    let zones = machine.names(in: "/sys/class/thermal").filter { $0.hasPrefix("thermal_zone") }
    let read = zones.compactMap { zone -> (name: String, degrees: Double)? in
      guard let value = machine.number("/sys/class/thermal/\(zone)/temp") else { return nil }
      return (machine.text("/sys/class/thermal/\(zone)/type") ?? zone, Double(value) / 1000)
    }
    guard let hottest = read.max(by: { $0.degrees < $1.degrees }) else { return [] }
    let text = "\(hottest.name): \((hottest.degrees * 10).rounded() / 10) °C"
    return [
      hottest.degrees < hot
        ? Finding(.board, .ok, text)
        : Finding(
          .board, .problem, "\(text), which is too hot", remedy: "cool the board: a heat sink, a fan, room for air")
    ]
  }

  // MARK: Clock

  private static func clock(_ facts: Facts) -> [Finding] {
    let clock = facts.answers?.status["clock"]
    let isSynchronised = clock?["synchronised"]?.bool ?? facts.isClockSynchronised
    if isSynchronised { return [Finding(.board, .ok, "the clock is synchronised")] }
    let isTrusted = clock?["trusted"]?.bool == true
    return [
      Finding(
        .board, .note,
        "the clock is not synchronised\(isTrusted ? ", and trusted nevertheless" : ": rules with 'cron' may not fire")",
        remedy: "'timedatectl' shows why; a board without a network needs a clock chip (docs/orchestration-yaml.md, "
          + "'The clock')")
    ]
  }
}

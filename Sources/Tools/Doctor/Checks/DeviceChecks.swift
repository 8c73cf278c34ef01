import Linux
import Model

/// The board's devices: what is there, who may use it, and what the daemon cannot reach.
enum DeviceChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    var findings = chips(machine) + buses(machine) + cameras(machine)
    if let answers = facts.answers {
      findings += reach(answers)
      if !answers.isSimulated { findings += permissions(machine, answers) }
    }
    return findings
  }

  private static func chips(_ machine: Machine) -> [Finding] {
    let names = nodes(machine, "gpiochip")
    guard !names.isEmpty else { return [] }
    let labelled = names.map { name in label(of: name, machine).map { "\(name) '\($0)'" } ?? name }
    return [Finding(.devices, .ok, "GPIO: \(labelled.joined(separator: ", "))")]
  }

  /// The label of a chip, by the sysfs class of its parent (Documentation/ABI/obsolete/sysfs-gpio).
  private static func label(of chip: String, _ machine: Machine) -> String? {
    let folder = "/sys/bus/gpio/devices/\(chip)/../gpio"
    return machine.names(in: folder).lazy.compactMap { machine.text("\(folder)/\($0)/label") }.first
  }

  private static func buses(_ machine: Machine) -> [Finding] {
    let names = nodes(machine, "i2c-")
    if names.isEmpty {
      guard machine.isRaspberryPi else { return [] }
      return [
        Finding(
          .devices, .note, "no I²C bus is on",
          remedy: "if a sensor needs one: 'sudo raspi-config nonint do_i2c 0' (dtparam=i2c_arm=on in config.txt)")
      ]
    }
    let named = names.map { name in machine.text("/sys/class/i2c-dev/\(name)/name").map { "\(name) '\($0)'" } ?? name }
    return [Finding(.devices, .ok, "I²C: \(named.joined(separator: ", "))")]
  }

  private static func cameras(_ machine: Machine) -> [Finding] {
    let names = nodes(machine, "video")
    guard !names.isEmpty else { return [] }
    let named = names.map { name in
      machine.text("/sys/class/video4linux/\(name)/name").map { "\(name) '\($0)'" } ?? name
    }
    return [Finding(.devices, .ok, "video: \(named.joined(separator: ", "))")]
  }

  /// Files of /dev whose names are a prefix and a number.
  private static func nodes(_ machine: Machine, _ prefix: String) -> [String] {
    machine.names(in: "/dev").compactMap { name -> (Int, String)? in
      guard name.hasPrefix(prefix) else { return nil }
      return Int(name.dropFirst(prefix.count)).map { ($0, name) }
    }.sorted { $0.0 < $1.0 }.map(\.1)
  }

  private static func reach(_ answers: DaemonAnswers) -> [Finding] {
    var findings: [Finding] = []
    for device in answers.devices {
      let name = device["device"]?.string ?? "?"
      if let found = device["no_effect"] {
        let state = found["state"]?.double.map { " when it was switched \(EventSentence.level($0))" } ?? ""
        findings.append(
          Finding(
            .devices, .problem, "'\(name)' was without effect on '\(found["sensor"]?.string ?? "?")'\(state)",
            remedy: "look at the output and what it drives, then 'openstarry acknowledge \(name)'"))
      }
      let isGone = device["state"]?.string == "gone"
      guard isGone || device["fault"]?.string != nil else { continue }
      let why = device["fault"]?.string.map { ": \($0)" } ?? ""
      findings.append(
        Finding(
          .devices, .problem, "'\(name)' \(isGone ? "is gone" : "does not work")\(why)",
          remedy: "docs/troubleshooting.md, 'Devices'; 'openstarry devices' shows all"))
    }
    if findings.isEmpty, !answers.devices.isEmpty {
      let count = answers.devices.count
      findings.append(Finding(.devices, .ok, "\(count) device\(count == 1 ? "" : "s") of the board file, all in order"))
    }
    return findings
  }

  /// Devices that the daemon's user may not use.
  private static func permissions(_ machine: Machine, _ answers: DaemonAnswers) -> [Finding] {
    guard let process = answers.status["pid"]?.int, let person = Person(process: process, on: machine) else {
      return []
    }
    let accounts = machine.accounts
    let user = accounts.user(person.uid)
    let names = ["gpiochip", "i2c-", "video"].flatMap { nodes(machine, $0) }
    let refused = names.compactMap { name -> (String, FileStatus)? in
      guard let file = machine.status("/dev/\(name)"), !person.mayUse(file) else { return nil }
      return (name, file)
    }
    // One line for each group.
    return Dictionary(grouping: refused) { $0.1.group }.sorted { $0.key < $1.key }.map { number, files in
      let group = accounts.groupName(number) ?? "\(number)"
      let list = files.map { "/dev/\($0.0)" }.joined(separator: ", ")
      let isOpenToGroup = number != 0 && files.allSatisfy { $0.1.mode & 0o060 == 0o060 }
      return Finding(
        .devices, .problem, "the daemon's user '\(user)' may not use \(list)",
        remedy: isOpenToGroup
          ? "sudo usermod -aG \(group) \(user), then restart the daemon"
          : "install the udev rules of the package (60-openstarry.rules), then reboot")
    }
  }
}

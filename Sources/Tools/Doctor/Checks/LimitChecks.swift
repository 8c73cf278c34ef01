import Model

/// The limits of agents that are programs: what the probes have proved, and why the kernel does not help.
enum LimitChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    guard let answers = facts.answers else {
      return controllers(machine)
        + [Finding(.limits, .note, "no limit was proved: the daemon runs the probes")]
    }
    let result: Value
    switch answers.probes {
    case .success(let value): result = value
    case .failure(let failure):
      return controllers(machine)
        + [Finding(.limits, failure.isRefusal ? .note : .problem, "no limit was proved: \(failure.message)")]
    }
    guard result["obstacle"]?.string == nil else {
      return controllers(machine)
        + [Finding(.limits, .note, "no limit was proved: no sandbox can be made")]
    }
    let rows = result["limits"]?.list ?? []
    let isLoose = rows.contains { $0["outcome"]?.string == "afterwards" }
    let usable = result["launcher"]?["controllers"]?.list?.compactMap(\.string) ?? []
    return rows.map(finding) + (isLoose ? delegation(machine, usable) : [])
  }

  private static func finding(_ row: Value) -> Finding {
    let name = (row["limit"]?.string ?? "?").split(separator: "_").joined(separator: " ")
    let text = "\(name): \(row["text"]?.string ?? "")"
    return switch row["outcome"]?.string {
    case "held": Finding(.limits, .ok, text)
    case "afterwards": Finding(.limits, .note, text)
    case "not_held":
      Finding(
        .limits, .problem, text,
        remedy: "do not run agents that you do not trust on this board, and report this with 'openstarry doctor --json'"
      )
    default: Finding(.limits, .note, text, remedy: "run 'openstarry doctor' again when the board is less busy")
    }
  }

  /// Why the launcher cannot set limits by control groups.
  private static func delegation(_ machine: Machine, _ usable: [String]) -> [Finding] {
    let host = controllers(machine)
    guard host.isEmpty else { return host }
    guard !usable.contains("groups") else { return [] }
    return [
      Finding(
        .limits, .note, "the launcher has no control groups of its own",
        remedy: "systemd delegates them to openstarry-launcher.service; a daemon of your own gets them by "
          + "'systemd-run --user --scope -p Delegate=yes openstarryd …'")
    ]
  }

  /// Controllers that the machine itself lacks.
  private static func controllers(_ machine: Machine) -> [Finding] {
    guard let present = machine.words("/sys/fs/cgroup/cgroup.controllers") else {
      let isMounted = !machine.names(in: "/sys/fs/cgroup").isEmpty
      return [
        Finding(
          .limits, .note,
          isMounted
            ? "control groups are of version 1, or of both versions: memory and CPU time of agents are only measured"
            : "control groups are not mounted: memory and CPU time of agents are only measured",
          remedy: isMounted ? "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line" : nil)
      ]
    }
    var findings: [Finding] = []
    if !present.contains("memory") {
      let words = machine.words("/proc/cmdline") ?? []
      let disabled = words.last { $0 == "cgroup_disable=memory" || $0 == "cgroup_enable=memory" }
      let why = disabled == "cgroup_disable=memory" ? " (cgroup_disable=memory on the kernel's command line)" : ""
      let file =
        machine.exists("/boot/firmware/cmdline.txt") || !machine.exists("/boot/cmdline.txt")
        ? "/boot/firmware/cmdline.txt" : "/boot/cmdline.txt"
      findings.append(
        Finding(
          .limits, .note, "the memory controller is off\(why): the memory of agents is only measured",
          remedy: machine.isRaspberryPi
            ? "add cgroup_enable=memory to the one line of \(file), and reboot"
            : "add cgroup_enable=memory to the kernel's command line, and reboot"))
    }
    for (name, what) in [("cpu", "CPU time"), ("pids", "processes")] where !present.contains(name) {
      findings.append(
        Finding(
          .limits, .note,
          "the kernel has no '\(name)' controller: \(what) of agents cannot be limited by control groups"))
    }
    return findings
  }
}

import Launcher
import Model

extension LimitProbe {
  /// What a probe's trace proves.
  /// - Parameter controllers: the control groups' controllers that the launcher can use.
  package func verdict(_ trace: ProbeTrace, _ controllers: LauncherFacts.Controllers) -> [ProbeResult] {
    if let problem = trace.problem { return [ProbeResult(rawValue, .notRun, problem)] }
    guard let end = trace.end else {
      return [ProbeResult(rawValue, .notHeld, "the probe could not be ended within \(ProbeRun.patience.text)")]
    }
    guard trace.isGone else {
      return [ProbeResult(rawValue, .notHeld, "processes of the probe are left after its end")]
    }
    switch self {
    case .isolation: return isolation(trace) ?? [silent(trace, end)]
    case .memory: return [memory(trace, end, controllers)]
    case .cpu: return [cpu(trace, controllers) ?? silent(trace, end)]
    case .processes:
      let by = controllers.contains(.pids) ? "pids.max" : "RLIMIT_NPROC"
      return [count("started", "processes", Self.tasksLimit, Self.tasksTried, by, trace) ?? silent(trace, end)]
    case .descriptors:
      return [
        count("opened", "descriptors", Self.descriptorsLimit, Self.descriptorsTried, "RLIMIT_NOFILE", trace)
          ?? silent(trace, end)
      ]
    case .file:
      return [
        count("wrote", "KiB in a file", UInt32(Self.fileLimit), Self.fileTried, "RLIMIT_FSIZE", trace)
          ?? silent(trace, end)
      ]
    case .log: return [log(trace, end)]
    case .time:
      guard let ending = trace.ending else { return [silent(trace, end)] }
      return [
        ProbeResult(
          rawValue, .held, "one that never answers was ended after \(limit.text), and gone \(ending.text) later")
      ]
    case .kill: return [kill(trace, end)]
    }
  }

  /// The probe ended without its report.
  private func silent(_ trace: ProbeTrace, _ end: LaunchEnd) -> ProbeResult {
    let how = end.code > 128 ? "signal \(end.code - 128) ended the probe" : "the probe exited with code \(end.code)"
    let words = trace.lines.last.map { ": \($0)" } ?? ""
    return ProbeResult(rawValue, .notRun, how + words)
  }

  private func isolation(_ trace: ProbeTrace) -> [ProbeResult]? {
    guard trace.lines.contains("looked") else { return nil }
    func result(_ limit: String, _ isHeld: Bool, _ good: String, _ bad: String) -> ProbeResult {
      ProbeResult(limit, isHeld ? .held : .notHeld, isHeld ? good : bad)
    }
    let sets = ["CapPrm", "CapEff", "CapBnd"].flatMap { name in trace.values(name).map { "\(name) \($0)" } }
    let held = sets.filter { !$0.hasSuffix(" 0000000000000000") }
    let seen = trace.values("sees")
    let interfaces = trace.values("interface")
    let mode = trace.value("Seccomp")
    return [
      result(
        "capabilities", sets.count == 3 && held.isEmpty, "none, and none can be gained",
        "the probe has capabilities: \(held.joined(separator: ", "))"),
      result(
        "no_new_privileges", trace.value("NoNewPrivs") == 1, "set", "not set: a set-user-id program would gain rights"),
      result(
        "seccomp", mode == 2, "a filter is in force",
        "no filter is in force (mode \(mode.map { "\($0)" } ?? "unknown"))"),
      result(
        "devices", seen.isEmpty, "no device and no folder of the host in sight",
        "the probe sees \(seen.joined(separator: ", "))"),
      result(
        "network", interfaces.isEmpty, "no interface but its own loopback",
        "the probe sees \(interfaces.joined(separator: ", "))"),
    ]
  }

  private func memory(
    _ trace: ProbeTrace, _ end: LaunchEnd, _ controllers: LauncherFacts.Controllers
  ) -> ProbeResult {
    let touched = trace.value("touched") ?? 0
    if end.isOutOfMemory {
      return ProbeResult(
        rawValue, .held, "ended at \(touched) of \(Self.memoryLimit) MiB by the control group (memory.max)")
    }
    if let refused = trace.value("refused"), refused <= Self.memoryLimit {
      let text = "one process got no more than \(refused) of \(Self.memoryLimit) MiB (RLIMIT_DATA)"
      if controllers.contains(.memory) { return ProbeResult(rawValue, .held, text) }
      return ProbeResult(rawValue, .afterwards, "\(text); the sum of several is measured every second")
    }
    if touched >= Self.memoryTried {
      return ProbeResult(rawValue, .notHeld, "a limit of \(Self.memoryLimit) MiB did not stop \(touched) MiB")
    }
    return silent(trace, end)
  }

  private func cpu(_ trace: ProbeTrace, _ controllers: LauncherFacts.Controllers) -> ProbeResult? {
    guard let used = trace.value("used"), let elapsed = trace.value("elapsed"), elapsed > 0 else { return nil }
    let share = used * 100 / elapsed
    guard controllers.contains(.cpu) else {
      // The last measurement is some time before the end.
      guard trace.measured > 0 else { return ProbeResult(rawValue, .notRun, "nothing was measured in time") }
      return ProbeResult(
        rawValue, .afterwards,
        "not limited by the kernel: the daemon measured \(trace.measured / 1_000_000) ms of \(used / 1000) ms that a spinner "
          + "used, and delays or ends agents by that")
    }
    // The kernel gives the time in slices, and the first period begins with a full one.
    return share <= Self.cpuLimit * 3 / 2
      ? ProbeResult(rawValue, .held, "a spinner with \(Self.cpuLimit) % used \(share) % (cpu.max)")
      : ProbeResult(rawValue, .notHeld, "a limit of \(Self.cpuLimit) % did not stop \(share) %")
  }

  private func count(
    _ line: String, _ what: String, _ limit: UInt32, _ tried: UInt64, _ by: String, _ trace: ProbeTrace
  ) -> ProbeResult? {
    guard let reached = trace.value(line) else { return nil }
    return reached <= UInt64(limit)
      ? ProbeResult(rawValue, .held, "no more than \(reached) \(what) with a limit of \(limit) (\(by))")
      : ProbeResult(rawValue, .notHeld, "a limit of \(limit) did not stop \(reached) \(what) (\(tried) were tried)")
  }

  private func log(_ trace: ProbeTrace, _ end: LaunchEnd) -> ProbeResult {
    guard trace.ending != nil else { return silent(trace, end) }
    let most = AgentOutput.most(within: trace.elapsed)
    let seconds = max(0.1, Double(trace.elapsed.nanoseconds) / 1e9)
    let rate = Int(Double(trace.bytes) / 1024 / seconds)
    return trace.bytes > 0 && trace.bytes <= most
      ? ProbeResult(rawValue, .held, "a flood was read at \(rate) KiB a second")
      : ProbeResult(rawValue, .notHeld, "a flood was read at \(rate) KiB a second, which is not as intended")
  }

  private func kill(_ trace: ProbeTrace, _ end: LaunchEnd) -> ProbeResult {
    guard trace.outlivedSignal, let ending = trace.ending else { return silent(trace, end) }
    return ProbeResult(
      rawValue, .held,
      "three processes, children of each other, ignored SIGTERM and were gone \(ending.text) after kill")
  }
}

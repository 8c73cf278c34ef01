import Model

/// The daemon: whether it answers, its version, and what it reports of itself.
enum DaemonChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    switch facts.daemon {
    case .failure(let failure):
      let text = failure.isRefusal ? "this user may not ask the daemon" : "no daemon answers"
      return [Finding(.daemon, .problem, text, remedy: failure.message)]
    case .success(let answers):
      return identity(answers.status, facts.version) + state(answers.status) + guardian(answers.status)
        + lastEnd(answers)
    }
  }

  private static func identity(_ status: Value, _ version: String) -> [Finding] {
    let theirs = status["version"]?.string ?? "unknown"
    let board = status["board"]?.string ?? "?"
    var findings: [Finding] = []
    if theirs == version {
      findings.append(Finding(.daemon, .ok, "openstarryd \(theirs) drives the board '\(board)'"))
    } else {
      findings.append(
        Finding(
          .daemon, .problem, "the daemon is version \(theirs), and this command is \(version)",
          remedy: "restart the daemon ('sudo systemctl restart openstarryd'), or install both from one package"))
    }
    let role = status["role"]?.string ?? "unknown"
    findings.append(
      role == "view"
        ? Finding(
          .daemon, .note, "your role is 'view': you may look, not command",
          remedy: "a member of the group openstarry may ('sudo usermod -aG openstarry NAME', then log in again)")
        : Finding(.daemon, .ok, "your role is '\(role)'"))
    return findings
  }

  /// Fields that `daemon.status` has only when something is wrong.
  private static func state(_ status: Value) -> [Finding] {
    var findings: [Finding] = []
    func problem(_ field: String, _ text: (String) -> String, _ remedy: String) {
      guard let value = status[field]?.string else { return }
      findings.append(Finding(.daemon, .problem, text(value), remedy: remedy))
    }
    problem(
      "safe_mode", { "safe mode, without rules and agents: \($0)" },
      "remove the cause, then 'openstarry daemon leave-safe-mode'")
    problem(
      "rules_refused", { "changed rules are not in force: \($0)" },
      "correct the file ('openstarry check'), then 'openstarry daemon reload'")
    problem("not_kept", { "nothing is kept over a restart: \($0)" }, "see storage below; then restart the daemon")
    problem(
      "emergency_stop_not_kept", { $0 }, "see storage below; the daemon tries again until the stop is written")
    if let stop = status["emergency_stop"]?.string {
      findings.append(
        Finding(.daemon, .note, "everything is stopped, \(stop)", remedy: "'openstarry estop --clear' ends that"))
    }
    for (device, why) in status["not_safe"]?.map ?? [:] {
      findings.append(
        Finding(
          .daemon, .problem, "'\(device)' refuses its safe state: \(why.string ?? why.text())",
          remedy: "disconnect the load, then see docs/safety.md, 'Outputs that refuse'"))
    }
    return findings
  }

  private static func guardian(_ status: Value) -> [Finding] {
    let text = status["guardian"]?.string ?? "off"
    if text.hasPrefix("running") { return [Finding(.daemon, .ok, "the guardian is \(text)")] }
    let isSimulated = status["backend"]?.string == "simulated"
    if text == "off", isSimulated { return [] }
    return [
      Finding(
        .daemon, isSimulated || text == "off" ? .note : .problem,
        "no guardian watches (\(text)): a killed daemon leaves its outputs as they are",
        remedy: text == "off"
          ? "docs/safety.md says when there is one"
          : "install openstarry-guardian beside the daemon; 'journalctl -u openstarryd' has more")
    ]
  }

  /// The last end of the daemon or the board that was not in order.
  private static func lastEnd(_ answers: DaemonAnswers) -> [Finding] {
    let lines = answers.history.filter { ["daemon", "board"].contains($0["scope"]?.string) }
    // The newest line is this start, and what became of outputs after it.
    let starts = ["started", "booted", "taken-up", "not-taken-up"]
    let last = lines.reversed().first { !starts.contains($0["reason"]?.string ?? "") }
    guard let reason = last?["reason"]?.string, reason != "stopped" else { return [] }
    let message = last?["message"]?.string.map { ": \($0)" } ?? ""
    return [
      Finding(
        .daemon, .note, "the last end was not in order: \(reason)\(message)",
        remedy: "'openstarry history' has the reasons; docs/watchdog.md explains them")
    ]
  }
}

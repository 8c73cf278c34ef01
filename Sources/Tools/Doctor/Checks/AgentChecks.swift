import Model

/// Agents: quarantine, budgets, and the programs they need.
enum AgentChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    var findings: [Finding] = []
    if let answers = facts.answers { findings += agents(answers) }
    findings.append(python(machine, facts))
    findings.append(containers(machine, facts))
    return findings
  }

  private static func agents(_ answers: DaemonAnswers) -> [Finding] {
    var findings: [Finding] = []
    for (agent, why) in answers.status["quarantined"]?.map ?? [:] {
      findings.append(
        Finding(
          .agents, .problem, "'\(agent)' is in quarantine: \(why.string ?? why.text())",
          remedy: "'openstarry history \(agent)' has the reasons; correct the agent, then 'openstarry restart \(agent)'"
        ))
    }
    for (owner, budgets) in answers.status["budgets_not_enforced"]?.map ?? [:] {
      let whose = owner == "(board)" ? "the board" : "'\(owner)'"
      findings.append(
        Finding(
          .agents, .note, "budgets of \(whose) that nothing enforces: \(budgets.string ?? budgets.text())",
          remedy: "'openstarry budget' says why"))
    }
    for agent in answers.agents {
      for budget in agent["budgets"]?.list ?? [] {
        guard let step = budget["step"]?.string, step == "throttled" || step == "exceeded" else { continue }
        let (id, name) = (agent["agent"]?.string ?? "?", budget["budget"]?.string ?? "?")
        findings.append(
          Finding(
            .agents, .note, "'\(id)' is \(step) by its budget of \(name)",
            remedy: "'openstarry budget \(id)' shows its use; make it do less, or raise the budget"))
      }
    }
    if findings.isEmpty {
      findings.append(Finding(.agents, .ok, "\(answers.agents.count) registered, none in quarantine"))
    }
    return findings
  }

  private static func python(_ machine: Machine, _ facts: Facts) -> Finding {
    let path = "/usr/bin/python3"
    guard machine.exists(path) else {
      return Finding(
        .agents, .note, "python3 is not installed: agents in Python cannot run", remedy: "sudo apt install python3")
    }
    return Finding(.agents, .ok, "python3\(facts.versions[path].map { " \($0)" } ?? "") is installed")
  }

  /// Whether there is what agents in containers need. Only a start shows whether podman can run there.
  private static func containers(_ machine: Machine, _ facts: Facts) -> Finding {
    let path = "/usr/bin/podman"
    guard machine.exists(path) else {
      return Finding(
        .agents, .note, "podman is not installed: agents in containers (driver 'docker') cannot run",
        remedy: "sudo apt install podman crun")
    }
    let version = facts.versions[path].map { " \($0)" } ?? " (which does not start)"
    let runtime = ["crun", "runc"].first { machine.exists("/usr/bin/\($0)") }
    guard let runtime else {
      return Finding(
        .agents, .note, "podman\(version) is installed without crun or runc, which agents in containers need",
        remedy: "sudo apt install crun")
    }
    let images = facts.images
    guard machine.exists(images) else {
      return Finding(
        .agents, .note, "podman\(version) is installed, with \(runtime); there are no images for agents in containers",
        remedy: "sudo openstarry-images load < IMAGE.tar makes \(images) and puts one there")
    }
    return Finding(.agents, .ok, "podman\(version) is installed, with \(runtime); images are in \(images)")
  }
}

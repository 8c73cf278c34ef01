import Model

/// Agents: what cannot run, quarantine and budgets.
enum AgentChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    guard let answers = facts.answers else { return [] }
    var findings: [Finding] = []
    for (agent, why) in answers.unusable {
      findings.append(
        Finding(
          .agents, .problem, "agent '\(agent)' cannot run: \(why.string ?? why.text())",
          remedy: "remove the cause, then 'openstarry daemon reload'; one that was registered comes back with "
            + "'openstarry register' or a restart of the daemon"))
    }
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
}

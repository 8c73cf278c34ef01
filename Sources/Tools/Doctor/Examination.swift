/// All checks. Each is a function of the machine's files and of facts, so that tests can replace both.
package enum Examination {
  /// Examines a machine.
  /// - Returns: the findings in the order of the page.
  package static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    let all =
      DaemonChecks.findings(machine, facts) + SandboxChecks.findings(machine, facts)
      + LimitChecks.findings(machine, facts) + AgentChecks.findings(machine, facts)
      + ModelChecks.findings(machine, facts)
      + DeviceChecks.findings(machine, facts) + BoardChecks.findings(machine, facts)
      + StorageChecks.findings(machine, facts)
    return Finding.Area.allCases.flatMap { area in all.filter { $0.area == area } }
  }
}

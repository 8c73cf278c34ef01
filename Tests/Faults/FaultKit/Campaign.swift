import Model

/// The result of one run.
package struct RunResult: Sendable {
  package var violations: [Violation]
  /// The number of checked conditions.
  package var checks: Int
  /// A hash of everything that happened: equal for equal plans.
  package var digest: UInt64
  /// The operations of the disk, and those that it refused.
  package var diskCalls: Int
  package var diskRefusals: Int
  /// The distances of probes: see `Answers`.
  package var distances: [Int]
  package var lives: Int
  /// The number of failures of WASM agents by agent and reason, e.g. `spinner limit.instructions`.
  package var guestEnds: [String: Int]
}

/// Runs plans, and shrinks a failing plan to the faults that it needs.
package enum Campaign {
  /// Runs one plan.
  /// - Parameters:
  ///   - engine: for WASM agents; nil leaves them out.
  ///   - trace: called with a line for everything that happens.
  package static func run(
    _ plan: Plan, _ folders: any FolderMaker, _ engine: GuestEngine?, trace: ((String) -> Void)? = nil
  ) -> RunResult {
    let invariants: Invariants
    let remains: Remains
    let end: Instant
    var result: RunResult
    do {
      let machine = Machine(plan, folders, engine)
      machine.trace = trace
      machine.run()
      (invariants, remains, end) = (machine.invariants, machine.remains, machine.line.now)
      remains.watch("the machine", machine)
      remains.watch("the board", machine.simulated)
      remains.watch("the time", machine.line)
      result = RunResult(
        violations: [], checks: 0, digest: machine.digest, diskCalls: machine.disk.operations,
        diskRefusals: machine.disk.refusals, distances: machine.answers.distances, lives: machine.lives,
        guestEnds: machine.guestEnds)
    }
    remains.check(invariants, at: end)
    (result.violations, result.checks) = (invariants.violations, invariants.checks)
    return result
  }

  /// Removes faults one by one while the plan still fails.
  /// - Returns: a failing plan from which no single fault can be removed.
  package static func shrink(_ plan: Plan, fails: (Plan) -> Bool) -> Plan {
    var smallest = plan
    var index = 0
    while index < smallest.faults.count {
      var smaller = smallest
      smaller.faults.remove(at: index)
      if fails(smaller) {
        smallest = smaller
        index = 0
      } else {
        index += 1
      }
    }
    return smallest
  }
}

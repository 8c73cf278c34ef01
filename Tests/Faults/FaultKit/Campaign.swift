import Model

/// What came of one run.
public struct RunResult: Sendable {
  public var violations: [Violation]
  /// Single conditions that were looked at.
  public var checks: Int
  /// The same for the same plan, and for no other.
  public var digest: UInt64
  /// Calls the disk was asked to carry out, and those it refused.
  public var diskCalls: Int
  public var diskRefusals: Int
  /// Events between probes and their handling.
  public var distances: [Int]
  public var lives: Int
  /// How often modules have ended how, e.g. `spinner limit.instructions`.
  public var guestEnds: [String: Int]
}

/// Many runs, each from its seed; finds the fewest faults that a failure needs.
public enum Campaign {
  /// Runs one plan.
  /// - Parameters:
  ///   - engine: for agents that are modules; nil leaves them out.
  ///   - trace: told everything that happens.
  public static func run(
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

  /// Leaves out one fault after the other, as long as `fails` still says yes.
  /// - Returns: a plan of which no single fault can be left out.
  public static func shrink(_ plan: Plan, fails: (Plan) -> Bool) -> Plan {
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

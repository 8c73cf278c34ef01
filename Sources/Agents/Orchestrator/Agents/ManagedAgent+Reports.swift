import Agent
import Model

// What an agent tells of itself.
extension ManagedAgent {
  /// The most bytes of memory that a report may hold.
  private static let mostReport = 256 << 10

  /// Asks for the report between two activations, if anybody wants to know.
  func report() {
    guard let run else { return }
    guard isReporter, !run.isHandling, let instance = run.instance else { return run.hasReported() }
    run.isReporting = true
    instance.snapshot { [self] value in
      guard self.run === run else { return }
      keepReport(value)
      run.hasReported()
    }
  }

  /// Asks for the report now; what it last told where no instance runs.
  func snapshot(_ done: @escaping (Value) -> Void) {
    guard let instance = run?.instance else { return done(lastReport) }
    instance.snapshot { [self] value in
      keepReport(value)
      done(lastReport)
    }
  }

  /// Runs `action` when the running activation has ended and the report is there; at once when no activation runs.
  func whenReported(_ action: @escaping () -> Void) {
    guard let run, run.isHandling || run.isReporting else { return action() }
    run.afterReport.append(action)
  }

  /// Keeps a report; in the place of one that holds too much stands that it does.
  func keepReport(_ report: Value) {
    let held = report.memory
    lastReport =
      held <= Self.mostReport
      ? report
      : ["error": .string("the report takes \(held) bytes of memory, and \(Self.mostReport) are there for one")]
  }
}

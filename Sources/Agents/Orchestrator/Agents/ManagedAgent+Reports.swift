import Agent
import Model

// The agent's report.
extension ManagedAgent {
  /// The greatest memory of a report, in bytes.
  private static let mostReport = 256 << 10

  /// Asks for the report between two activations, if it is wanted.
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

  /// Asks for the report now. Answers with the last one when no instance runs.
  func snapshot(_ done: @escaping (Value) -> Void) {
    guard let instance = run?.instance else { return done(lastReport) }
    instance.snapshot { [self] value in
      keepReport(value)
      done(lastReport)
    }
  }

  /// Runs `action` when the activation has ended and the report is there; at once without an activation.
  func whenReported(_ action: @escaping () -> Void) {
    guard let run, run.isHandling || run.isReporting else { return action() }
    run.afterReport.append(action)
  }

  /// Keeps a report. One that is too large is replaced by a report that says so.
  func keepReport(_ report: Value) {
    defer { if isReporter { shared.onReport(manifest.id) } }
    let held = report.memory
    lastReport =
      held <= Self.mostReport
      ? report
      : ["error": .string("the report takes \(held) bytes of memory, and \(Self.mostReport) are there for one")]
  }
}

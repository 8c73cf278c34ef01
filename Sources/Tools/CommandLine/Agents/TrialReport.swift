import AgentTrial
import Document
import Model

/// The results of a trial, for people and for programs.
struct TrialReport {
  var activations: [TrialActivation]
  /// The agent's report at the end.
  var snapshot: Value
  /// The agent's durable state at the end.
  var state: Fields

  var failures: [TrialActivation] { activations.filter { $0.failure != nil } }

  /// A step as a line. The agent's actions are indented below their event.
  static func line(_ step: TrialStep, colour: Bool) -> String {
    let isInner =
      switch step.kind {
      case .read, .control, .snapshot, .frame, .emit, .state, .timer, .file, .model, .log: true
      case .start, .event, .board, .agent, .done, .end: false
      }
    let time = "+\(step.at.seconds.text)s"
    let margin = time + String(repeating: " ", count: max(1, 9 - time.count))
    let isBad = step.fields["error"] != nil || step.fields["ok"]?.bool == false || step.kind == .agent
    let text: String =
      switch step.kind {
      case _ where isBad: Paint.red(step.text, colour)
      case .event: Paint.bold(step.text, colour)
      case .done, .start, .end: Paint.faint(step.text, colour)
      case .board: Paint.green(step.text, colour)
      default: step.text
      }
    return Paint.faint(margin, colour) + (isInner ? "  " : "") + text
  }

  /// The final lines: report, durable state, and number of activations.
  /// - Parameter showsCosts: adds a table of the activations' costs.
  func lines(showsCosts: Bool) -> [String] {
    var lines: [String] = []
    if snapshot.map?.isEmpty == false { lines.append("snapshot: \(snapshot.text(limit: 200))") }
    if !state.isEmpty { lines.append("durable state: \(Value.map(state).text(limit: 200))") }
    if showsCosts { lines += costs }
    let failed = failures.count
    let outcome = failed == 0 ? "all succeeded" : "\(activations.count - failed) succeeded"
    lines.append("\(activations.count) activation(s)" + (activations.isEmpty ? "" : ", \(outcome)"))
    return lines
  }

  /// The table of the activations' costs.
  private var costs: [String] {
    var table = Table(["COST OF AN ACTIVATION", "P50", "P99", "MAX"], rightAligned: [1, 2, 3])
    for (name, values, text) in measures {
      guard let spread = Percentiles(values) else { continue }
      table.add([name, text(spread.p50), text(spread.p99), text(spread.max)])
    }
    return table.lines
  }

  /// The measured quantities: name, values, and formatting of a value.
  private var measures: [(String, [Int64], (Int64) -> String)] {
    // A program's driver measures only the time.
    let costs = activations.compactMap(\.cost).filter(\.chargesCPU)
    return [
      ("fuel", costs.map { Int64(clamping: $0.fuel) }, { "\($0)" }),
      ("memory, KiB", costs.map { Int64($0.peakMemory / 1024) }, { "\($0)" }),
      ("host calls", costs.map { Int64($0.hostCalls) }, { "\($0)" }),
      ("time", activations.map(\.time.nanoseconds), { TrialActivation.text(.nanoseconds($0)) }),
    ]
  }

  /// `{"kind": "summary", "activations", "failures", "snapshot", "state", "costs": {"fuel": {"p50", "p99", "max"},
  /// …}}`.
  var document: Value {
    let names = ["fuel", "memory_kib", "host_calls", "time_ns"]
    var costs: Fields = [:]
    for (name, measure) in zip(names, measures) {
      guard let spread = Percentiles(measure.1) else { continue }
      costs[name] = ["p50": .int(spread.p50), "p99": .int(spread.p99), "max": .int(spread.max)]
    }
    return [
      "kind": "summary", "activations": .int(Int64(activations.count)), "failures": .int(Int64(failures.count)),
      "snapshot": snapshot, "state": .map(state), "costs": .map(costs),
    ]
  }
}

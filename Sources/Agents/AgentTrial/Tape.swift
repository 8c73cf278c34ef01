import Agent
import Model

/// Records the steps of a trial in chronological order.
final class Tape {
  private let clock: any Timekeeper
  private let start: Instant
  private let onStep: (TrialStep) -> Void

  /// Whether the agent is inside a call. Device changes during a call are its effects and are reported in its step.
  private var isCalling = false
  private var changes: [Event] = []
  private var refusals = Refusals()
  /// The activations that have ended.
  private(set) var activations: [TrialActivation] = []
  /// Why the last start failed; nil when it succeeded.
  private(set) var startFailure: AgentFailure?

  init(_ clock: any Timekeeper, _ onStep: @escaping (TrialStep) -> Void) {
    self.clock = clock
    start = clock.now
    self.onStep = onStep
  }

  func add(_ kind: TrialStep.Kind, _ text: String, _ fields: Fields) {
    onStep(TrialStep(at: clock.now - start, kind, text, fields))
  }

  // MARK: Calls

  /// Carries out a call of the agent and records its outcome.
  /// - Parameter describe: returns the step's text and fields, given the result and the device changes during the call.
  func call<Answer>(
    _ kind: TrialStep.Kind, _ what: String, _ fields: Fields, _ work: () throws(AgentError) -> Answer,
    _ describe: (Answer, [Event]) -> (String, Fields)
  ) throws(AgentError) -> Answer {
    isCalling = true
    changes = []
    let answer: Answer
    do throws(AgentError) {
      answer = try work()
    } catch {
      isCalling = false
      refusals.note(error)
      var fields = fields
      fields["error"] = .string(error.code.rawValue)
      fields["message"] = .string(error.message)
      add(kind, "\(what): \(error.description.printable)", fields)
      throw error
    }
    isCalling = false
    let (text, more) = describe(answer, changes)
    var all = fields
    for (key, value) in more { all[key] = value }
    add(kind, "\(what): \(text)", all)
    return answer
  }

  /// Records an event of the board or the orchestrator, when it matters to a reader of the trial.
  func hear(_ event: Event) {
    switch event.type {
    case DeviceEvents.changedName where isCalling: changes.append(event)
    case CameraEvents.snapshotName, CameraEvents.frameName, SystemEvents.chainCutName: note(.board, event)
    case let type where DeviceEvents.isName(type): note(.board, event)
    case AgentEvents.backoffName, AgentEvents.quarantinedName, AgentEvents.overloadedName: note(.agent, event)
    default: break
    }
  }

  private func note(_ kind: TrialStep.Kind, _ event: Event) {
    add(kind, EventSentence.text(event), ["event": .string(event.type), "payload": .map(event.payload)])
  }

  // MARK: The instance

  func started(_ failure: AgentFailure?, in time: Duration) {
    startFailure = failure
    var fields: Fields = ["ok": .bool(failure == nil), "time_us": .int(time.nanoseconds / 1000)]
    if let failure {
      fields["reason"] = .string(failure.reason.rawValue)
      fields["message"] = .string(failure.message)
    }
    add(.start, failure.map { "not started: \($0.description.printable)" } ?? "started", fields)
  }

  func begin(_ event: Event) {
    refusals.begin()
    let text = event.payload.isEmpty ? "" : "  \(EventSentence.text(event))"
    add(.event, event.type.printable + text, ["event": .string(event.type), "payload": .map(event.payload)])
  }

  func end(_ failure: AgentFailure?, _ cost: ActivationCost?, in time: Duration) {
    let refusal = failure.flatMap { refusals.passedOn($0) }
    let failure = refusal.map { AgentFailure(.refused, $0.description) } ?? failure
    let activation = TrialActivation(failure: failure, cost: cost, time: time)
    activations.append(activation)
    add(.done, activation.text, activation.fields)
  }
}

extension TrialActivation {
  /// `ok: fuel 12345, memory 128 KiB, 3 host calls, 41 µs`.
  var text: String {
    var parts: [String] = []
    // A program's driver counts neither.
    if let cost, cost.chargesCPU {
      let calls = cost.hostCalls == 1 ? "1 host call" : "\(cost.hostCalls) host calls"
      parts = ["fuel \(cost.fuel)", "memory \(cost.peakMemory / 1024) KiB", calls]
    }
    parts.append("time \(Self.text(time))")
    let end = failure.map { $0.reason == .refused ? "\($0)" : "failed, \($0)" } ?? "ok"
    return end.printable + ": " + parts.joined(separator: ", ")
  }

  /// The machine-readable form of `text`.
  var fields: Fields {
    var fields: Fields = ["ok": .bool(failure == nil)]
    if let failure {
      fields["reason"] = .string(failure.reason.rawValue)
      fields["message"] = .string(failure.message)
    }
    if let cost {
      fields["fuel"] = .int(Int64(clamping: cost.fuel))
      fields["memory"] = .int(Int64(cost.peakMemory))
      fields["host_calls"] = .int(Int64(cost.hostCalls))
      fields["host_us"] = .double(Double(cost.hostTime) / 1000)
    }
    fields["time_us"] = .double(time.seconds * 1e6)
    return fields
  }

  /// Formats a duration: `41.2 µs`, `3.1 ms`, `1.25 s`.
  package static func text(_ time: Duration) -> String {
    let nanoseconds = Double(time.nanoseconds)
    return switch time.nanoseconds {
    case ..<1_000_000: "\(((nanoseconds / 100).rounded() / 10).text) µs"
    case ..<1_000_000_000: "\((nanoseconds / 1e6).text) ms"
    default: "\((nanoseconds / 1e9).text) s"
    }
  }
}

import AgentTrial
import Document
import Model

/// Runs a trial for the command, and prints each step when it happens.
final class AgentSession {
  private let isJSON: Bool
  private let terminal = Terminal()
  /// Whether the board was derived from the manifest.
  private let isMadeUp: Bool
  private var trial: Trial?
  private var hints: Set<String> = []
  private var activations: [TrialActivation] = []
  /// Whether steps are not printed, as in the second and later rounds.
  private var isSilent = false
  /// The first error of standard output; nothing more is printed after it.
  private var broken: (any Error)?

  init(json: Bool, isMadeUp: Bool) {
    isJSON = json
    self.isMadeUp = isMadeUp
  }

  /// Creates the board, and checks that the agent can run.
  func open(_ manifest: Manifest, _ board: Board, state: Fields, modules: String) throws {
    if !isJSON { try terminal.line(Self.heading(manifest, board, isMadeUp: isMadeUp)) }
    do throws(TrialFailure) {
      trial = try Trial(manifest, board: board, state: state, modules: modules) { [unowned self] in show($0) }
    } catch {
      throw Failure(error)
    }
  }

  func set(_ device: DeviceID, _ value: Double) throws(Failure) {
    do throws(TrialFailure) { try trial?.set(device, value) } catch { throw Failure(error) }
  }

  /// Starts the agent, delivers the events of all rounds, and then runs the board for `length`.
  /// - Throws: when the agent cannot be started, or an event is invalid or refused.
  func play(
    _ source: EventSource, rounds: Int, every: Duration, then length: Duration?, _ manifest: Manifest
  ) throws(Failure) {
    guard let trial else { return }
    var next = try source.next()
    if let next { do throws(TrialFailure) { try trial.prepare(for: next) } catch { throw Failure(error) } }
    if let failure = trial.start() { throw Failure(.failed, "agent '\(manifest.id)' cannot be started: \(failure)") }
    var played: [TrialEvent] = []
    while let event = next {
      if let hint = Self.hint(event, manifest) { self.hint(hint) }
      try deliver(event, to: trial, after: played.isEmpty ? .zero : every)
      played.append(event)
      next = try source.next()
    }
    isSilent = true
    for _ in 1..<rounds {
      for event in played { try deliver(event, to: trial, after: every) }
    }
    isSilent = false
    if let length { activations += trial.live(for: length) }
  }

  private func deliver(_ event: TrialEvent, to trial: Trial, after: Duration) throws(Failure) {
    do throws(TrialFailure) { activations += try trial.deliver(event, after: after) } catch { throw Failure(error) }
  }

  /// Ends the agent and the board, and returns the results.
  func close() -> TrialReport {
    guard let trial else { return TrialReport(activations: [], snapshot: .map([:]), state: [:]) }
    let snapshot = trial.snapshot()
    return TrialReport(activations: activations, snapshot: snapshot, state: trial.end())
  }

  func show(_ report: TrialReport, showsCosts: Bool) throws {
    if let broken { throw broken }
    if isJSON {
      try terminal.json(report.document)
    } else {
      try terminal.lines(report.lines(showsCosts: showsCosts))
    }
  }

  private func show(_ step: TrialStep) {
    guard !isSilent, broken == nil else { return }
    do {
      if isJSON {
        try terminal.json(step.document)
      } else {
        try terminal.line(TrialReport.line(step, colour: terminal.colour))
      }
    } catch {
      broken = error
    }
    if isMadeUp, step.fields["error"]?.string == "not-found", let device = step.fields["device"]?.string {
      hint("the made-up board has what the manifest names: '\(device.printable)' is not in its permissions")
    }
  }

  /// Prints a hint unless it was already printed.
  private func hint(_ text: String) { if hints.insert(text).inserted { Terminal.complain(text) } }

  /// `climate 1.0.0 on a board made up from the manifest: fan (actuator), temperature (sensor)`.
  static func heading(_ manifest: Manifest, _ board: Board, isMadeUp: Bool) -> String {
    let agent = "\(manifest.id) \(manifest.version.printable)"
    guard isMadeUp else { return "\(agent) on \(board.name.printable), simulated: \(board.devices.count) devices" }
    let devices = board.devices.map { "\($0.id) (\($0.kind.name))" }.joined(separator: ", ")
    return "\(agent) on a board made up from the manifest: \(devices.isEmpty ? "no devices" : devices)"
  }

  /// The hint for an event that the manifest does not subscribe to; nil if it does.
  static func hint(_ event: TrialEvent, _ manifest: Manifest) -> String? {
    guard !manifest.subscribe.contains(where: { $0.matches(event.type) }) else { return nil }
    let known = manifest.subscribe.map(\.text)
    return "'\(manifest.id)' does not subscribe to \(event.type)\(Suggestion.phrase(for: event.type, in: known)): "
      + "in the daemon a rule would have to wake it"
  }
}

extension Failure {
  /// Converts a trial's failure; invalid arguments become `usage`.
  init(_ failure: TrialFailure) { self.init(failure.isUsage ? .usage : .failed, failure.description) }
}

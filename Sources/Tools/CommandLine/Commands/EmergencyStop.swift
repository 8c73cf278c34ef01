import ArgumentParser
import Model

struct EmergencyStop: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estop", abstract: "Emergency stop: everything safe, nothing moves until --clear.",
    discussion: """
      Every actuator goes to its safe state, every lease ends and the agents pause; the stop survives a restart of the \
      daemon. After --clear nothing moves by itself: agents and people must give new commands.

      Without --socket, all daemons that are found are stopped. --clear then requires the socket of one.
      """)
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Ends the emergency stop; refused while a stop button of the board is pressed.")
  var clear = false

  @Option(help: ArgumentHelp("The reason, for the event and for people.", valueName: "text"))
  var reason: String?

  func validate() throws {
    if clear, reason != nil { throw ValidationError("--reason goes with a stop, not with --clear") }
  }

  /// The failure for actuators that are not safe, or for a stop that could not be stored; nil for success.
  /// - Parameter result: the result of `hal.emergencyStop` or `hal.clearEmergencyStop`.
  static func failure(_ result: Value) -> Failure? {
    if let notSafe = result["not_safe"]?.list, !notSafe.isEmpty {
      return Failure(
        .failed, "NOT SAFE, cut the power if you must: \(notSafe.count) of the actuators of \(BoardText.line(result))",
        details: notSafe.map { "\($0["device"]?.string ?? "-"): \($0["why"]?.string ?? "it has not answered")" })
    }
    return result["warning"]?.string.map { Failure(.notKept, $0) }
  }

  /// The first line of the output.
  static func line(_ result: Value, clear: Bool) -> String {
    let was = result["was_stopped"]?.bool ?? false
    if clear { return was ? "cleared: nothing moves until it is commanded" : "no emergency stop was in force" }
    let safe = result["safe"]?.int ?? 0
    let count = safe == 1 ? "1 actuator has" : "\(safe) actuators have"
    if let notSafe = result["not_safe"]?.list, !notSafe.isEmpty {
      let of = safe + Int64(notSafe.count)
      return "NOT ALL STOPPED: \(safe) of \(of) actuator\(of == 1 ? " has" : "s have") confirmed the safe state, "
        + "agents are paused; 'openstarry estop --clear' ends it"
    }
    if was { return "it was stopped already; \(count) confirmed the safe state" }
    return "STOPPED: \(count) confirmed the safe state, agents are paused; 'openstarry estop --clear' ends it"
  }

  func run() throws {
    if clear {
      try end()
    } else {
      try stop()
    }
  }

  private func end() throws {
    let search = shared.everyDaemon(timeout: .seconds(60))
    guard search.living.count < 2 else {
      let sockets = search.living.map { "--socket \($0.socket.printable)" }
      throw Failure(
        .usage, "\(search.living.count) daemons answer: name the one to clear, \(sockets.joined(separator: " or "))")
    }
    let result = try search.first().move("hal.clearEmergencyStop")
    try shared.show(result) { result, _ in [Self.line(result, clear: true), BoardText.line(result)] }
    if let failure = Self.failure(result) { throw failure }
  }

  /// Stops every daemon that was found. A daemon that does not answer does not delay the others.
  private func stop() throws {
    let search = shared.everyDaemon(timeout: .seconds(1))
    guard !search.living.isEmpty else {
      _ = try search.first()
      return
    }
    var failures = search.passedOver.filter(\.mayHideADaemon).map { Failure($0) }
    var stops = StopEverywhere(search.living, reason: reason)
    try stops.gather(within: .seconds(30), onSilence: { if !shared.json { Terminal.complain($0) } }) { result in
      try shared.show(result) { result, _ in [Self.line(result, clear: false), BoardText.line(result)] }
      if let failure = Self.failure(result) { failures.append(failure) }
    }
    failures += stops.failures
    for failure in failures.dropFirst() { Terminal.complain("\(failure)") }
    if let failure = failures.first { throw failure }
  }
}

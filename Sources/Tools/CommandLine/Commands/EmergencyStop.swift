import ArgumentParser
import Model

struct EmergencyStop: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estop", abstract: "Emergency stop: everything safe, nothing moves until --clear.",
    discussion: """
      Every actuator goes to its safe state, every lease ends and the agents pause; that also holds over a restart of \
      the daemon. After --clear nothing moves by itself: agents and people have to ask anew.

      Where no socket is named and several daemons may be meant, all of them are stopped. --clear then wants the socket \
      of one.
      """)
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Ends the emergency stop; refused while a stop button of the board is pressed.")
  var clear = false

  @Option(help: ArgumentHelp("Why, for the event and for people.", valueName: "text"))
  var reason: String?

  func validate() throws {
    if clear, reason != nil { throw ValidationError("--reason goes with a stop, not with --clear") }
  }

  /// What is not safe, or what the daemon could not keep of it; nil when all is well.
  /// - Parameter result: of `hal.emergencyStop` or `hal.clearEmergencyStop`.
  static func failure(_ result: Value) -> Failure? {
    if let notSafe = result["not_safe"]?.list, !notSafe.isEmpty {
      return Failure(
        .failed, "NOT SAFE, cut the power if you must: \(notSafe.count) of the actuators of \(BoardText.line(result))",
        details: notSafe.map { "\($0["device"]?.string ?? "-"): \($0["why"]?.string ?? "it has not answered")" })
    }
    return result["warning"]?.string.map { Failure(.notKept, $0) }
  }

  /// What people read first.
  static func line(_ result: Value, clear: Bool) -> String {
    let was = result["was_stopped"]?.bool ?? false
    if clear { return was ? "cleared: nothing moves until somebody asks for it" : "no emergency stop was in force" }
    let count = result["safe"]?.int == 1 ? "1 actuator has" : "\(result["safe"]?.int ?? 0) actuators have"
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

  /// Stops every daemon that may be meant; one that does not answer holds up no other.
  private func stop() throws {
    let search = shared.everyDaemon(timeout: .seconds(1))
    guard !search.living.isEmpty else {
      _ = try search.first()
      return
    }
    var failures = search.passedOver.filter(\.mayHideADaemon).map { Failure($0) }
    var stops = StopEverywhere(search.living, reason: reason)
    try stops.gather(within: .seconds(30)) { result in
      try shared.show(result) { result, _ in [Self.line(result, clear: false), BoardText.line(result)] }
      if let failure = Self.failure(result) { failures.append(failure) }
    }
    failures += stops.failures
    for failure in failures.dropFirst() { Terminal.complain("\(failure)") }
    if let failure = failures.first { throw failure }
  }
}

import ArgumentParser
import Model

struct EmergencyStop: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estop", abstract: "Emergency stop: everything safe, nothing moves until --clear.",
    discussion: """
      Every actuator goes to its safe state, every lease ends and the agents pause; that also holds over a restart of \
      the daemon. After --clear nothing moves by itself: agents and people have to ask anew.
      """)
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Ends the emergency stop; refused while a stop button of the board is pressed.")
  var clear = false

  @Option(help: ArgumentHelp("Why, for the event and for people.", valueName: "text"))
  var reason: String?

  func validate() throws {
    if clear, reason != nil { throw ValidationError("--reason goes with a stop, not with --clear") }
  }

  /// What the daemon could not keep of it; nil when it is kept.
  /// - Parameter result: of `hal.emergencyStop` or `hal.clearEmergencyStop`.
  static func failure(_ result: Value) -> Failure? { result["warning"]?.string.map { Failure(.notKept, $0) } }

  func run() throws {
    let method = clear ? "hal.clearEmergencyStop" : "hal.emergencyStop"
    let result = try shared.connect().call(method, reason.map { ["reason": .string($0)] } ?? [:])
    try shared.show(result) { result, _ in
      let was = result["was_stopped"]?.bool ?? false
      let line =
        switch (clear, was) {
        case (false, false): "STOPPED: every actuator is safe, agents are paused; 'openstarry estop --clear' ends it"
        case (false, true): "it was stopped already; every actuator is safe"
        case (true, true): "cleared: nothing moves until somebody asks for it"
        case (true, false): "no emergency stop was in force"
        }
      return [line]
    }
    if let failure = Self.failure(result) { throw failure }
  }
}

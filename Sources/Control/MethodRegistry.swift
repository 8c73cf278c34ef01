import Model
import Wire

/// Every method by its name.
struct MethodRegistry {
  /// In the order of the document.
  let all: [Method]
  private let byName: [String: Method]

  /// All there are. `docs/control.md`, section 6.
  init() {
    all =
      Self.calls + Self.agentMethods + Self.registryMethods + Self.hardwareMethods + Self.emergencyStopMethods
      + Self.eventMethods
      + Self.ruleMethods + Self.daemonMethods
    byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  }

  /// As `daemon.methods` answers it.
  var description: [Value] { all.map { .map($0.fields) } }

  /// The method of that name.
  /// - Throws: -32601 with the nearest name.
  func method(_ name: String) throws(RPCError) -> Method {
    if let method = byName[name] { return method }
    let shown = name.utf8.count <= 64 ? name : String(name.prefix(64)) + "…"
    throw RPCError(
      .methodNotFound, "there is no method '\(shown)'",
      hint: Suggestion.closest(to: name, in: byName.keys).map { "did you mean '\($0)'?" }
        ?? "daemon.methods lists them")
  }

  /// The six calls of the specification, under their own names.
  static let calls: [Method] = [
    spawnAgent, killAgent, listAgents,
    hardwareRead.named(
      "getSensorData",
      summary: "Measures a sensor or reads an input; requests at the same time share one transfer."),
    hardwareControl.named("controlActuator", summary: "Commands an actuator through the board's limits."),
    getCameraStream,
  ]
}

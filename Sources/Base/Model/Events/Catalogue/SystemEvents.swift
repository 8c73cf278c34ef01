/// Events of the daemon itself: start and stop, commands, and cut chains. Extensions have emergency stops, health,
/// guardian, clock and storage.
package enum SystemEvents {
  static var all: [EventDeclaration] {
    [startedDeclaration, stoppingDeclaration, stoppedDeclaration, commandDeclaration, chainCutDeclaration]
      + emergencyStops + health + guardian + clock + storage
  }

  private static var startedDeclaration: EventDeclaration {
    EventDeclaration(
      "system:started", .normal, "the daemon has started: rules and agents run",
      [.text("board", "the board's name")], example: started(board: "greenhouse")
    ) { event in "the daemon has started" + (event["board"]?.string.map { " on board \($0.printable)" } ?? "") }
  }

  /// - Parameter board: the board's name.
  package static func started(board: String) -> DaemonEvent {
    DaemonEvent(startedDeclaration, Fields(uniquePairs: [("board", .string(board))]))
  }

  private static var stoppingDeclaration: EventDeclaration {
    EventDeclaration(
      "system:stopping", .normal, "the daemon stops; rules and agents may still act on this event", [],
      example: stopping()
    ) { _ in "the daemon is stopping" }
  }

  /// The daemon stops; rules and agents may still act on this event.
  package static func stopping() -> DaemonEvent { DaemonEvent(stoppingDeclaration, [:]) }

  private static var stoppedDeclaration: EventDeclaration {
    EventDeclaration(
      "system:stopped", .normal, "the daemon has stopped; no rule or agent acts on this event", [], example: stopped()
    ) { _ in "the daemon has stopped" }
  }

  /// The daemon has stopped.
  package static func stopped() -> DaemonEvent { DaemonEvent(stoppedDeclaration, [:]) }

  /// The name of the event `system:command`.
  package static let commandName = "system:command"

  private static var commandDeclaration: EventDeclaration {
    EventDeclaration(
      commandName, .normal, isOpen: true,
      "a client of the control socket called a method that changes something; the method's parameters follow",
      [
        .text("method", "the method"), .text("client", "the user"), .integer("pid", "the client's process id"),
      ],
      example: command("hal.control", by: "ada", pid: 12, ["device": "fan", "command": "on"])
    ) { event in
      let rest = EventSentence.fields(event.payload, except: ["method", "client", "pid"])
      return "\(event.subject("client")) asked for \(event.text("method", "something"))"
        + (rest.isEmpty ? "" : " (\(rest))")
    }
  }

  /// - Parameters:
  ///   - method: the method that was called.
  ///   - client: the user.
  ///   - pid: the client's process id.
  ///   - parameters: the method's parameters; those named `method`, `client` or `pid` are left out.
  package static func command(
    _ method: String, by client: String, pid: Int, _ parameters: Fields
  ) -> DaemonEvent {
    var payload = Fields(uniquePairs: [
      ("method", .string(method)), ("client", .string(client)), ("pid", .int(Int64(pid))),
    ])
    for (name, value) in parameters where payload[name] == nil { payload[name] = value }
    return DaemonEvent(commandDeclaration, payload)
  }

  /// The name of the event `system:chain_cut`.
  package static var chainCutName: String { "system:chain_cut" }

  private static var chainCutDeclaration: EventDeclaration {
    EventDeclaration(
      chainCutName, .high, journal: .warning,
      "an event is not handed to rules and agents: its chain has too many hops or events",
      [
        .text("event", "the name of the event"), .integer("limit", "hops, or events within `window_ms`"),
        .text("trace", "the id of the first event of the chain"),
        .integer("window_ms", "ms", "left out for too many hops").sometimes,
      ],
      example: chainCut(at: "a:b", limit: 256, trace: ULID(high: 1, low: 1), within: .seconds(1))
    ) { event in
      let what = event["window_ms"]?.int.map { "events in \(Duration.milliseconds($0).text)" } ?? "hops"
      return "chain cut at \(event.text("event")): more than \(event.shown("limit")) \(what)"
    }
  }

  /// - Parameters:
  ///   - event: the name of the event that is not handed on.
  ///   - limit: number of hops; with a window, number of events.
  ///   - trace: the id of the first event of the chain.
  ///   - window: the window of a limit on events; nil for a limit on hops.
  package static func chainCut(at event: String, limit: Int, trace: ULID, within window: Duration?) -> DaemonEvent {
    var payload = Fields(uniquePairs: [
      ("event", .string(event)), ("limit", .int(Int64(limit))), ("trace", .string("\(trace)")),
    ])
    payload.add("window_ms", window.map { .int($0.nanoseconds / 1_000_000) })
    return DaemonEvent(chainCutDeclaration, payload)
  }
}

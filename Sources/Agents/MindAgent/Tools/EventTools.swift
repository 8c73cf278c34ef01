import OpenStarryAgent

/// `emit` and `schedule`.
enum EventTools {
  /// The shortest time of a timer, in seconds: each wakes the mind, which costs tokens.
  static let shortest: Int64 = 10
  /// Timers of the mind begin with this, so that they cannot replace others.
  static let prefix = "mind."

  static func all(_ board: Surroundings, notes: Notes) -> [Tool] {
    (board.emits.isEmpty ? [] : [emit(board.emits)]) + [schedule(notes)]
  }

  private static func emit(_ granted: [String]) -> Tool {
    Tool(
      name: "emit", about: "Publishes an event for rules and other agents.",
      arguments: Arguments([
        .required("type", type(granted), "its name, domain:verb; one that you may emit"),
        .optional("payload", .object, "what it is about"),
      ]), mostBytes: 4096
    ) { (arguments, context) throws(ToolFailure) in
      let type = arguments["type"]?.string ?? ""
      let payload = arguments["payload"]?.map ?? [:]
      let id = try ToolFailure.converting { () throws(AgentError) in try context.emit(type, payload) }
      return ToolResult(["event": .string(id.description)])
    }
  }

  /// Names without a pattern are all that there are.
  private static func type(_ granted: [String]) -> Arguments.Kind {
    let isExact = granted.count <= 64 && granted.allSatisfy { !$0.utf8.contains(UInt8(ascii: "*")) }
    return isExact ? .choice(granted) : .event(granted)
  }

  private static func schedule(_ notes: Notes) -> Tool {
    Tool(
      name: "schedule",
      about:
        "Sets a timer that wakes you with your note. A timer of the same name is replaced. A restart of the board ends it.",
      arguments: Arguments([
        .required("name", .name(40), "the timer's name"),
        .required("after_s", .integer(shortest...31_536_000), "in how many seconds"),
        .optional("repeat", .flag, "whether again and again"),
        .optional("cancel", .flag, "cancel the timer of this name instead"),
        .optional("note", .text(0...500), "what you will have to do then"),
      ])
    ) { (arguments, context) throws(ToolFailure) in
      let name = arguments["name"]?.string ?? ""
      let seconds = arguments["after_s"]?.int ?? shortest
      let timer = prefix + name
      if arguments["cancel"]?.bool == true {
        context.cancel(timer: timer)
        notes.setTimer(name, nil, &context)
        return ToolResult(["cancelled": .bool(true)])
      }
      let repeats = arguments["repeat"]?.bool ?? false
      try ToolFailure.converting { () throws(AgentError) in
        if repeats {
          try context.every(.seconds(seconds), timer: timer)
        } else {
          try context.after(.seconds(seconds), timer: timer)
        }
      }
      notes.setTimer(name, arguments["note"]?.string ?? "", repeats: repeats, &context)
      return ToolResult(["in_s": .int(seconds), "repeats": .bool(repeats)])
    }
  }
}

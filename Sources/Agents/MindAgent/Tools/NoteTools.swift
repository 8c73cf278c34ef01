import OpenStarryAgent

/// `remember`, `recall` and `forget`: notes that outlast conversations and restarts.
enum NoteTools {
  static func all(_ notes: Notes) -> [Tool] { [remember(notes), recall(notes), forget(notes)] }

  private static let name = Arguments.Argument.required("name", .name(64), "the note's name")

  private static func remember(_ notes: Notes) -> Tool {
    Tool(
      name: "remember", about: "Keeps a note under a name. It stays until you forget it; the same name replaces it.",
      arguments: Arguments([name, .required("text", .text(1...Notes.longest), "the note")])
    ) { (arguments, context) throws(ToolFailure) in
      try notes.remember(arguments["name"]?.string ?? "", arguments["text"]?.string ?? "", &context)
      return ToolResult(["notes": .int(Int64(notes.names(&context).count))])
    }
  }

  private static func recall(_ notes: Notes) -> Tool {
    Tool(
      name: "recall", about: "A note that you have kept; without a name, the names of all.",
      arguments: Arguments([.optional("name", .name(64), "the note's name")])
    ) { (arguments, context) throws(ToolFailure) in
      guard let name = arguments["name"]?.string else {
        return ToolResult(["names": .list(notes.names(&context).map(Value.string))])
      }
      guard let text = notes.recall(name, &context) else { throw ToolFailure("there is no note of that name") }
      return ToolResult(["text": .string(text)])
    }
  }

  private static func forget(_ notes: Notes) -> Tool {
    Tool(name: "forget", about: "Removes a note.", arguments: Arguments([name])) {
      (arguments, context) throws(ToolFailure) in
      let found = try notes.forget(arguments["name"]?.string ?? "", &context)
      return ToolResult(["found": .bool(found)])
    }
  }
}

import OpenStarryAgent

/// What a mind keeps across restarts beside its conversation: notes, and what its timers are for. Each is one durable
/// value, whose key no model chooses.
final class Notes {
  private static let notesKey = "mind.notes"
  private static let timersKey = "mind.timers"
  /// The most notes, the longest one in bytes, and the most bytes of all.
  static let (most, longest, mostBytes) = (64, 1000, 24_576)
  /// As many timers as an agent may have.
  private static let mostTimers = 16

  private var notes: Fields?
  private var timers: Fields?

  /// Whether a model may use it as a name.
  static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        byte | 32 >= 0x61 && byte | 32 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x5F || byte == 0x2D
          || byte == 0x2E
      }
  }

  private func loaded(_ context: inout Context) -> Fields {
    if let notes { return notes }
    let kept = context.state(Self.notesKey)?.map ?? [:]
    notes = kept
    return kept
  }

  /// The names of all notes.
  func names(_ context: inout Context) -> [String] { loaded(&context).keys }

  /// The text of a note; nil if there is none.
  func recall(_ name: String, _ context: inout Context) -> String? { loaded(&context)[name]?.string }

  /// - Throws: when there is no room, or the daemon refuses to keep it. The notes are then as before.
  func remember(_ name: String, _ text: String, _ context: inout Context) throws(ToolFailure) {
    var notes = loaded(&context)
    notes[name] = .string(text)
    guard notes.count <= Self.most, notes.weight <= Self.mostBytes else {
      throw ToolFailure("there is no room for more than \(Self.most) notes and \(Self.mostBytes) bytes: forget some")
    }
    try keep(notes, &context)
  }

  /// - Returns: whether there was such a note.
  func forget(_ name: String, _ context: inout Context) throws(ToolFailure) -> Bool {
    var notes = loaded(&context)
    guard notes[name] != nil else { return false }
    notes[name] = nil
    try keep(notes, &context)
    return true
  }

  private func keep(_ notes: Fields, _ context: inout Context) throws(ToolFailure) {
    try ToolFailure.converting { () throws(AgentError) in
      try context.setState(Self.notesKey, notes.isEmpty ? nil : .map(notes))
    }
    self.notes = notes
  }

  /// What a timer is for; empty if nobody said.
  func timer(_ name: String, _ context: inout Context) -> String { timers(&context)[name]?.string ?? "" }

  /// - Parameter note: what the timer is for; nil to forget it. Where the daemon refuses to keep it, it is known until
  ///   the mind ends.
  func setTimer(_ name: String, _ note: String?, _ context: inout Context) {
    var kept = timers(&context)
    if kept[name] == note.map(Value.string) { return }
    kept[name] = note.map(Value.string)
    // The oldest one is of a timer that is over.
    while kept.count > Self.mostTimers { kept[kept[0].key] = nil }
    timers = kept
    try? context.setState(Self.timersKey, kept.isEmpty ? nil : .map(kept))
  }

  private func timers(_ context: inout Context) -> Fields {
    if let timers { return timers }
    let kept = context.state(Self.timersKey)?.map ?? [:]
    timers = kept
    return kept
  }
}

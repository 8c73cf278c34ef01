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
  func timer(_ name: String, _ context: inout Context) -> String {
    timers(&context)[name]?["note"]?.string ?? ""
  }

  /// Where the daemon refuses to keep it, it is known until the mind ends.
  /// - Parameters:
  ///   - note: what the timer is for; nil to forget it.
  ///   - repeats: whether the note is needed again when the timer has come.
  func setTimer(_ name: String, _ note: String?, repeats: Bool = false, _ context: inout Context) {
    var kept = timers(&context)
    let timer = note.map { Value.map(["note": .string($0), "repeats": .bool(repeats)]) }
    if kept[name] == timer { return }
    kept[name] = timer
    // The oldest one is of a timer that is over: they end with the daemon.
    while kept.count > Self.mostTimers { kept[kept[0].key] = nil }
    timers = kept
    try? context.setState(Self.timersKey, kept.isEmpty ? nil : .map(kept))
  }

  /// Forgets what a timer was for, unless it comes again.
  func timerHasCome(_ name: String, _ context: inout Context) {
    if timers(&context)[name]?["repeats"]?.bool != true { setTimer(name, nil, &context) }
  }

  private func timers(_ context: inout Context) -> Fields {
    if let timers { return timers }
    let kept = context.state(Self.timersKey)?.map ?? [:]
    timers = kept
    return kept
  }
}

import Model

/// What people see of the language models.
package protocol ModelControl: AnyObject {
  /// The models of the settings, then those of manifests that were asked: section 4.16 of `docs/control.md`.
  var modelRows: [Fields] { get }

  /// Why what models use cannot be stored, so that none is asked; nil when it can.
  var notStored: String? { get }

  /// What was used: sums by agent, model or day, section 4.17 of `docs/control.md`.
  func usage(by grouping: UsageGrouping) -> Fields

  /// The newest questions and answers that are kept, oldest first: section 4.18 of `docs/control.md`.
  /// - Parameter agent: nil for all.
  func transcript(of agent: AgentID?, last: Int) -> [Fields]

  /// Has `hear` called with each piece of text that a model answers, as it comes.
  /// - Returns: the number for `endListen`.
  func listen(_ hear: @escaping (ModelText) -> Void) -> UInt64

  /// Ends a `listen`. Does nothing if it has ended.
  func endListen(_ listener: UInt64)
}

/// A piece of a model's answer.
package struct ModelText: Sendable, Hashable {
  /// The agent that has asked.
  package var agent: AgentID
  /// The chain of events in which it has asked; nil outside of one.
  package var trace: ULID?
  /// The piece.
  package var text: String

  /// A piece.
  package init(agent: AgentID, trace: ULID?, text: String) {
    self.agent = agent
    self.trace = trace
    self.text = text
  }
}

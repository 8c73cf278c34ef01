import Model

/// One firing of a rule, with the actions to carry out.
package struct Firing: Sendable {
  /// The evaluated payload of an `emit`. A failure makes the action fail.
  package typealias Payload = Result<Fields, PayloadError>
  /// An action with evaluated expressions.
  package typealias Action = RuleAction<Payload>

  /// Why a payload could not be evaluated.
  package struct PayloadError: Error, Hashable {
    /// One sentence.
    package var message: String

    /// - Parameter message: one sentence.
    package init(message: String) { self.message = message }
  }

  /// Unique within one engine. Pass it to `RuleEngine.finished`.
  package var id: UInt64
  /// The rule that fires.
  package var rule: RuleID
  /// The newest of the events that led to the firing.
  package var event: Event
  /// The number of events that were folded into the firing, at least 1.
  package var count: Int
  /// The actions, in order, up to the first that waits. The first one that fails ends the list.
  package var actions: [Action]
  /// Whether its rule is a state rule, whose events say themselves what has begun or ended.
  package var isState: Bool
  /// `retry`: how long a refused command is tried again; nil for not at all.
  package var retry: Duration?
  /// The rule's `mode`, for overlapping firings.
  package var mode: RuleDeclaration.Mode
  /// The running firing that this one replaces and that must be ended (`mode: restart`); nil for none.
  package var replaces: UInt64?

  /// - Parameters:
  ///   - id: unique within one engine.
  ///   - count: the number of folded events, at least 1.
  ///   - replaces: the running firing that must be ended; nil for none.
  package init(
    id: UInt64, rule: RuleID, event: Event, count: Int, actions: [Action],
    isState: Bool = false, retry: Duration? = nil, mode: RuleDeclaration.Mode, replaces: UInt64? = nil
  ) {
    self.id = id
    self.rule = rule
    self.event = event
    self.count = count
    self.actions = actions
    self.isState = isState
    self.retry = retry
    self.mode = mode
    self.replaces = replaces
  }
}

extension RuleAction where Payload == Firing.Payload {
  /// The action as in a rule file, with values truncated to 60 characters: `emit(climate:hot, over: 2.5)`.
  package var text: String {
    text { payload in
      (try? payload.get())?.map { ($0.key, $0.value.text(limit: 60)) } ?? [("…", "…")]
    }
  }
}

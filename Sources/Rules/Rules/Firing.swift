import Model

/// One firing of a rule, with the actions to carry out.
public struct Firing: Sendable {
  /// The evaluated payload of an `emit`. A failure makes the action fail.
  public typealias Payload = Result<Fields, PayloadError>
  /// An action with evaluated expressions.
  public typealias Action = RuleAction<Payload>

  /// Why a payload could not be evaluated.
  public struct PayloadError: Error, Hashable {
    /// One sentence.
    public var message: String

    /// - Parameter message: one sentence.
    public init(message: String) { self.message = message }
  }

  /// Unique within one engine. Pass it to `RuleEngine.finished`.
  public var id: UInt64
  /// The rule that fires.
  public var rule: RuleID
  /// The newest of the events that led to the firing.
  public var event: Event
  /// The number of events that were folded into the firing, at least 1.
  public var count: Int
  /// The actions, in order. The first one that fails ends the list.
  public var actions: [Action]
  /// The actions of `else`, for when one of `actions` fails.
  public var otherwise: [Action]
  /// The rule's `mode`, for overlapping firings.
  public var mode: RuleDeclaration.Mode
  /// The running firing that this one replaces and that must be ended (`mode: restart`); nil for none.
  public var replaces: UInt64?

  /// - Parameters:
  ///   - id: unique within one engine.
  ///   - count: the number of folded events, at least 1.
  ///   - replaces: the running firing that must be ended; nil for none.
  public init(
    id: UInt64, rule: RuleID, event: Event, count: Int, actions: [Action],
    otherwise: [Action] = [], mode: RuleDeclaration.Mode, replaces: UInt64? = nil
  ) {
    self.id = id
    self.rule = rule
    self.event = event
    self.count = count
    self.actions = actions
    self.otherwise = otherwise
    self.mode = mode
    self.replaces = replaces
  }
}

extension RuleAction where Payload == Firing.Payload {
  /// The action as in a rule file, with values truncated to 60 characters: `emit(climate:hot, over: 2.5)`.
  public var text: String {
    text { payload in
      (try? payload.get())?.map { "\($0.key): \($0.value.text(limit: 60))" } ?? []
    }
  }
}

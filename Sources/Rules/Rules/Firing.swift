import Model

/// A rule that fires: what is to be done now.
public struct Firing: Sendable {
  /// What an `emit` carries, or why it could not be evaluated: then the action fails.
  public typealias Payload = Result<Fields, PayloadError>
  /// An action whose expressions are evaluated.
  public typealias Action = RuleAction<Payload>

  /// Why a payload could not be evaluated.
  public struct PayloadError: Error, Hashable {
    /// A sentence for people.
    public var message: String

    /// - Parameter message: a sentence for people.
    public init(message: String) { self.message = message }
  }

  /// Never used twice; `RuleEngine.finished` takes it.
  public var id: UInt64
  /// Which rule.
  public var rule: RuleID
  /// The newest event that led to it.
  public var event: Event
  /// How many events are folded into it, at least 1.
  public var count: Int
  /// What to do, in order, up to the first that fails.
  public var actions: [Action]
  /// What to do when one of them fails.
  public var otherwise: [Action]
  /// What the rule says about firings that overlap.
  public var mode: RuleDeclaration.Mode
  /// The firing that this one takes the place of and that is to be ended (`mode: restart`); nil for none.
  public var replaces: UInt64?

  /// A firing.
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
  /// As people write it, with values cut to 60 characters: `emit(climate:hot, over: 2.5)`.
  public var text: String {
    text { payload in
      (try? payload.get())?.map { "\($0.key): \($0.value.text(limit: 60))" } ?? []
    }
  }
}

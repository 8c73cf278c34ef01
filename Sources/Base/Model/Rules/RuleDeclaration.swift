/// One rule of `orchestration.yaml`, as written: when (`on`, `every`, `cron`), whether (`if`), then what (`action`).
public struct RuleDeclaration: Sendable {
  /// An action as written.
  public typealias Action = RuleAction<[EmitField]>

  /// `id`, or `<file name>:<line>`.
  public var id: RuleID
  /// What sets it off.
  public var trigger: Trigger
  /// The condition, in CEL; nil is always true.
  public var condition: Condition?
  /// What is done, in order.
  public var actions: [Action]
  /// `else`: what is done instead of the rest when one of `actions` fails.
  public var otherwise: [Action]
  /// `for`: the condition must have held this long.
  public var hold: Duration?
  /// `cooldown`: no second firing within this time of the last.
  public var cooldown: Duration?
  /// `debounce`: fires once nothing has matched for this long.
  public var debounce: Duration?
  /// `throttle`: at most one firing in this time; what comes meanwhile is folded into the next one.
  public var throttle: Duration?
  /// `mode`: what happens when it fires while its last firing is still at work.
  public var mode: Mode
  /// `max_per_hour`.
  public var maxPerHour: Int?
  /// Where the file says it.
  public var location: Location

  /// A rule; what is left out is absent.
  public init(
    id: RuleID, trigger: Trigger, condition: Condition? = nil, actions: [Action], otherwise: [Action] = [],
    hold: Duration? = nil, cooldown: Duration? = nil, debounce: Duration? = nil, throttle: Duration? = nil,
    mode: Mode = .single,
    maxPerHour: Int? = nil, location: Location = Location(file: "<rules>")
  ) {
    self.id = id
    self.trigger = trigger
    self.condition = condition
    self.actions = actions
    self.otherwise = otherwise
    self.hold = hold
    self.cooldown = cooldown
    self.debounce = debounce
    self.throttle = throttle
    self.mode = mode
    self.maxPerHour = maxPerHour
    self.location = location
  }

  /// What sets a rule off.
  public enum Trigger: Sendable, Hashable {
    /// `on`: any of these events.
    case events([EventPattern])
    /// `every`: a timer; its event is `timer:<rule id>`.
    case every(Duration)
    /// `cron`: five fields, local time; its event is `timer:<rule id>`.
    case cron(String)
  }

  /// A CEL expression and where its text begins.
  public struct Condition: Sendable, Hashable {
    /// The expression.
    public var text: String
    /// Where it begins.
    public var location: Location
    /// A condition.
    public init(text: String, location: Location) {
      self.text = text
      self.location = location
    }
  }

  /// What happens when a rule fires while its last firing is still at work.
  public enum Mode: String, Sendable, Hashable, CaseIterable {
    /// The new firing is dropped.
    case single
    /// The old one is ended, the new one begins.
    case restart
    /// The new one waits its turn.
    case queued
    /// Both go on.
    case parallel
  }
}

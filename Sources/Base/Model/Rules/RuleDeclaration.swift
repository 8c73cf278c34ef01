/// A rule of `orchestration.yaml`: trigger (`on`, `every`, `cron`), condition (`if`) and actions (`action`).
public struct RuleDeclaration: Sendable {
  /// An action with uncompiled expressions.
  public typealias Action = RuleAction<[EmitField]>

  /// `id`, or `<file name>:<line>`.
  public var id: RuleID
  /// `on`, `every` or `cron`.
  public var trigger: Trigger
  /// `if`: the condition; nil is always true.
  public var condition: Condition?
  /// `action`: the actions, in order.
  public var actions: [Action]
  /// `else`: the actions that replace the rest when one of `actions` fails.
  public var otherwise: [Action]
  /// `mode`: the treatment of a firing while the previous one is still running.
  public var mode: Mode
  /// The location of the rule.
  public var location: Location

  /// A rule; keys left out are absent.
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
    self.mode = mode
    self.location = location
    limits = Boxed(
      Limits(hold: hold, cooldown: cooldown, debounce: debounce, throttle: throttle, maxPerHour: maxPerHour))
  }

  // MARK: Limits

  /// `for`: the time that the condition must have been true.
  public var hold: Duration? {
    get { limits.value.hold }
    set { limits.value.hold = newValue }
  }
  /// `cooldown`: the shortest time between two firings.
  public var cooldown: Duration? {
    get { limits.value.cooldown }
    set { limits.value.cooldown = newValue }
  }
  /// `debounce`: the rule fires after this time without a matching event.
  public var debounce: Duration? {
    get { limits.value.debounce }
    set { limits.value.debounce = newValue }
  }
  /// `throttle`: the rule fires at most once in this time; further events are folded into the next firing.
  public var throttle: Duration? {
    get { limits.value.throttle }
    set { limits.value.throttle = newValue }
  }
  /// `max_per_hour`: the most firings in an hour; nil for no limit.
  public var maxPerHour: Int? {
    get { limits.value.maxPerHour }
    set { limits.value.maxPerHour = newValue }
  }

  private struct Limits: Defaulted {
    var hold: Duration?
    var cooldown: Duration?
    var debounce: Duration?
    var throttle: Duration?
    var maxPerHour: Int?

    static var usual: Limits { Limits() }
  }

  private var limits: Boxed<Limits>

  /// The trigger of a rule.
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
    /// Where the expression begins.
    public var location: Location
    /// A condition; its text is not parsed here.
    public init(text: String, location: Location) {
      self.text = text
      self.location = location
    }
  }

  /// The treatment of a new firing while the previous one is still running.
  public enum Mode: String, Sendable, Hashable, CaseIterable {
    /// The new firing is dropped.
    case single
    /// The previous firing is cancelled and the new one begins.
    case restart
    /// The new firing waits for the previous ones.
    case queued
    /// Both run.
    case parallel
  }
}

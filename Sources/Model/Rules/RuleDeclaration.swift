/// One rule of `orchestration.yaml`, as written: when (`on`, `every`, `cron`), whether (`if`), then what (`action`).
public struct RuleDeclaration: Sendable {
  /// `id`, or `<file name>:<line>`.
  public var id: RuleID
  /// What sets it off.
  public var trigger: Trigger
  /// The condition, in CEL; nil is always true.
  public var condition: Condition?
  /// What is done, in order.
  public var actions: [RuleAction]
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

  /// Puts a rule together.
  public init(
    id: RuleID, trigger: Trigger, condition: Condition? = nil, actions: [RuleAction], hold: Duration? = nil,
    cooldown: Duration? = nil, debounce: Duration? = nil, throttle: Duration? = nil, mode: Mode = .single,
    maxPerHour: Int? = nil, location: Location = Location(file: "<rules>")
  ) {
    self.id = id
    self.trigger = trigger
    self.condition = condition
    self.actions = actions
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
    /// Puts a condition together.
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

/// One thing a rule does.
public enum RuleAction: Sendable, Hashable {
  /// Registers nothing: starts an agent if it is not running, and hands it the event.
  case spawn(AgentID)
  /// Hands the event to an agent, starting it if its lifecycle is `on-demand`.
  case wake(AgentID)
  /// Ends an agent; it is given its grace time.
  case kill(AgentID)
  /// Commands an actuator.
  case actuate(DeviceID, ActuatorCommand, lease: Duration?)
  /// Publishes an event; each value is a CEL expression over what the condition sees.
  case emit(String, [EmitField])

  /// One payload field of an `emit`.
  public struct EmitField: Sendable, Hashable {
    /// The field's name.
    public var name: String
    /// Its value, in CEL.
    public var expression: String
    /// Where the expression begins.
    public var location: Location
    /// Puts a field together.
    public init(name: String, expression: String, location: Location = Location(file: "<rules>")) {
      self.name = name
      self.expression = expression
      self.location = location
    }
  }
}

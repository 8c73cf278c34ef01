/// A rule of `orchestration.yaml`: trigger (`on`, `every`, `cron`), condition (`if`) and actions (`action`).
package struct RuleDeclaration: Sendable {
  /// An action with uncompiled expressions.
  package typealias Action = RuleAction<[EmitField]>

  /// `id`, or `<file name>:<line>`.
  package var id: RuleID
  /// `on`, `every` or `cron`.
  package var trigger: Trigger
  /// `if`: the condition; nil is always true.
  package var condition: Condition?
  /// `action`: the actions, in order.
  package var actions: [Action]
  /// `else`: the actions that replace the rest when one of `actions` fails.
  package var otherwise: [Action]
  /// `mode`: the treatment of a firing while the previous one is still running.
  package var mode: Mode
  /// The location of the rule.
  package var location: Location

  /// A rule; keys left out are absent.
  package init(
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
  package var hold: Duration? {
    get { limits.value.hold }
    set { limits.value.hold = newValue }
  }
  /// `cooldown`: the shortest time between two firings.
  package var cooldown: Duration? {
    get { limits.value.cooldown }
    set { limits.value.cooldown = newValue }
  }
  /// `debounce`: the rule fires after this time without a matching event.
  package var debounce: Duration? {
    get { limits.value.debounce }
    set { limits.value.debounce = newValue }
  }
  /// `throttle`: the rule fires at most once in this time; further events are folded into the next firing.
  package var throttle: Duration? {
    get { limits.value.throttle }
    set { limits.value.throttle = newValue }
  }
  /// `max_per_hour`: the most firings in an hour; nil for no limit.
  package var maxPerHour: Int? {
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
  package enum Trigger: Sendable, Hashable {
    /// `on`: any of these events.
    case events([EventPattern])
    /// `every`: a timer; its event is `timer:<rule id>`.
    case every(Duration)
    /// `cron`: five fields, local time; its event is `timer:<rule id>`.
    case cron(String)
  }

  /// A CEL expression and where its text begins.
  package struct Condition: Sendable, Hashable {
    /// The expression.
    package var text: String
    /// Where the expression begins.
    package var location: Location
    /// A condition; its text is not parsed here.
    package init(text: String, location: Location) {
      self.text = text
      self.location = location
    }
  }

  /// The treatment of a new firing while the previous one is still running.
  package enum Mode: String, Sendable, Hashable, CaseIterable {
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

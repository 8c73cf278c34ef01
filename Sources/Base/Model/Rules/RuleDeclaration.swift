/// A rule of `orchestration.yaml`: trigger, condition (`if`) and actions (`action`).
///
/// Event rules (`on`, `every`, `cron`, `at`) do something once when something happens. State rules (`while`, or `when`
/// with `until`) keep something as long as something is so.
package struct RuleDeclaration: Sendable {
  /// An action with uncompiled expressions.
  package typealias Action = RuleAction<[EmitField]>

  /// `id`, or `<file name>:<line>`.
  package var id: RuleID
  /// What it waits for.
  package var trigger: Trigger
  /// `if`: the condition, of a state rule the guard; nil is always true.
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
    maxPerHour: Int? = nil, hours: RuleHours = RuleHours(), location: Location = Location(file: "<rules>")
  ) {
    self.id = id
    self.trigger = trigger
    self.condition = condition
    self.actions = actions
    self.otherwise = otherwise
    self.mode = mode
    self.location = location
    limits = Boxed(
      Limits(
        hold: hold, cooldown: cooldown, debounce: debounce, throttle: throttle, maxPerHour: maxPerHour, hours: hours))
  }

  /// The state that a state rule waits for; nil for an event rule.
  package var state: StateRule? { if case .state(let state) = trigger { state } else { nil } }

  /// The outputs that its actions command or release.
  package var commanded: [DeviceID] {
    (actions + otherwise + (state?.endActions ?? [])).compactMap { action in
      switch action {
      case .actuate(let device, _, _), .release(let device): device
      default: nil
      }
    }
  }

  // MARK: Limits

  /// `for`: the time that the condition, of a state rule the trigger alone, must have been true.
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

  /// `between` and `weekdays`: the times at which it may act.
  package var hours: RuleHours {
    get { limits.value.hours }
    set { limits.value.hours = newValue }
  }

  /// `per`: an expression; `for`, `debounce` and `cooldown` count for each of its values by itself. nil is the event's
  /// device or agent.
  package var per: Condition? {
    get { limits.value.per }
    set { limits.value.per = newValue }
  }

  /// `retry`: how long a refused command is tried again; nil for not at all.
  package var retry: Duration? {
    get { limits.value.retry }
    set { limits.value.retry = newValue }
  }

  /// `shadow`: whether it decides and is recorded, and moves nothing.
  package var shadow: Bool {
    get { limits.value.shadow }
    set { limits.value.shadow = newValue }
  }

  private struct Limits: Defaulted {
    var hold: Duration?
    var cooldown: Duration?
    var debounce: Duration?
    var throttle: Duration?
    var maxPerHour: Int?
    var hours = RuleHours()
    var per: Condition?
    var retry: Duration?
    var shadow = false

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
    /// `at`: a time of each day; its event is `timer:<rule id>`.
    case at(DayTime)
    /// `while`, or `when` and `until`: not an event but a state.
    indirect case state(StateRule)
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

import HAL
import Model

/// An input that follows a script and can be pressed manually, debounced as the kernel does it.
final class SimulatedInput: InputDriver, Injectable {
  private let device: DeviceID
  private let world: World
  private let script: InputScript
  private let period: Duration
  /// nil without debouncing, and while the input is not watched or absent.
  private var debouncer: Debouncer?
  private var onChange: ((InputChange) -> Void)?
  private var plan: FaultPlan?
  /// The level at which it is stuck; nil while it is not.
  private var stuck: Bool?
  private var scripted = false
  /// The manual level; nil while the script determines it.
  private var forced: Bool?
  private var last = false
  private var sequence: UInt32 = 0
  private var position = 0
  private var scriptTimer: TimerID?
  private var pressTimer: TimerID?
  private var plugTimer: TimerID?

  init(_ device: Device, _ settings: InputSettings, _ world: World) throws(HALError) {
    self.device = device.id
    self.world = world
    period = settings.debounce
    script = try InputScript(device.id, device.options["script"])
  }

  var isActive: Bool? { isPresent ? debouncer?.isActive ?? level : nil }

  private var isPresent: Bool { plan?.fault == nil }

  /// The raw level of the line, before debouncing.
  private var level: Bool { stuck ?? forced ?? scripted }

  func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault) {
    stop()
    self.onChange = onChange
    position = 0
    // Leading steps without a delay set the initial level and make no edge.
    while position < script.steps.count, script.steps[position].after == .zero {
      if let active = script.steps[position].active { scripted = active }
      position += 1
    }
    if position == script.steps.count && script.repeats { position = 0 }
    begin()
    follow(from: world.clock.now)
  }

  func stop() {
    onChange = nil
    debouncer?.cancel()
    debouncer = nil
    for timer in [scriptTimer, pressTimer, plugTimer] { if let timer { world.clock.cancel(timer) } }
    (scriptTimer, pressTimer, plugTimer) = (nil, nil, nil)
  }

  private func follow(from instant: Instant) {
    guard position < script.steps.count else { return }
    let step = script.steps[position]
    let due = instant + step.after
    scriptTimer = world.clock.schedule(at: due) { [weak self] in
      guard let self else { return }
      scriptTimer = nil
      position += 1
      if position == script.steps.count && script.repeats { position = 0 }
      if let active = step.active { scripted = active }
      // From the due time, so that delays do not add up.
      follow(from: due)
      tell()
    }
  }

  /// Starts to report changes relative to the current level.
  private func begin() {
    last = level
    sequence = 0
    guard period > .zero, isPresent else { return }
    debouncer = Debouncer(isActive: level, period: period, clock: world.clock) { [weak self] in
      self?.level
    } onChange: { [weak self] in
      self?.onChange?(.edge($0))
    }
  }

  private func tell() {
    guard isPresent, level != last else { return }
    last = level
    sequence += 1
    let edge = Edge(isActive: last, time: world.clock.now, sequence: sequence)
    if let debouncer { debouncer.take(edge) } else { onChange?(.edge(edge)) }
  }

  // MARK: Manual control

  func take(_ plan: FaultPlan?) {
    if let plugTimer { world.clock.cancel(plugTimer) }
    plugTimer = plan?.end.map { end in world.clock.schedule(at: end) { [weak self] in self?.take(nil) } }
    let wasPresent = isPresent
    self.plan = plan
    stuck = plan?.kind == .stuck ? level : nil
    if let fault = plan?.fault {
      debouncer?.cancel()
      debouncer = nil
      if wasPresent { onChange?(.gone(fault.description)) }
    } else if wasPresent {
      tell()
    } else if let onChange {
      begin()
      onChange(.back(isActive: last))
    }
  }

  func take(_ change: Fields) throws(HALError) -> Bool {
    if let active = change["active"] {
      guard active == .null || active.bool != nil else {
        throw .invalid(device, "active must be true, false, or null for its script")
      }
      cancelPress()
      forced = active.bool
    } else if let press = change["press"] {
      guard let length = Declaration.duration(press), length > .zero else {
        throw .invalid(device, "press must be a duration such as 300ms")
      }
      cancelPress()
      forced = true
      pressTimer = world.clock.schedule(after: length) { [weak self] in
        self?.pressTimer = nil
        self?.forced = nil
        self?.tell()
      }
    } else {
      return false
    }
    tell()
    return true
  }

  private func cancelPress() {
    if let pressTimer { world.clock.cancel(pressTimer) }
    pressTimer = nil
  }
}

/// The script of a simulated input: `[{after: 6s, press: 400ms}, {after: 13600ms}, repeat]`.
struct InputScript {
  struct Step {
    /// The time since the step before.
    var after: Duration
    /// The new level; nil only waits.
    var active: Bool?
  }

  private(set) var steps: [Step] = []
  private(set) var repeats = false

  init(_ device: DeviceID, _ value: Value?) throws(HALError) {
    guard let value else { return }
    guard let list = value.list else { throw .invalid(device, "script must be a list of {after, active}") }
    for (index, item) in list.enumerated() {
      if item.string == "repeat" {
        guard index == list.count - 1 else { throw .invalid(device, "script: 'repeat' must come last") }
        repeats = true
        continue
      }
      let step = try Declaration(device, "script[\(index)]", item, allowed: ["after", "active", "press"])
      let after = try step.duration("after", .zero)
      if let press = try step.duration("press") {
        steps.append(Step(after: after, active: true))
        steps.append(Step(after: press, active: false))
      } else {
        steps.append(Step(after: after, active: step.has("active") ? try step.bool("active", false) : nil))
      }
    }
    let length = steps.reduce(Duration.zero) { $0 + $1.after }
    guard !repeats || length >= .milliseconds(10) else {
      throw .invalid(device, "script: a repeated script must take at least 10ms")
    }
  }
}

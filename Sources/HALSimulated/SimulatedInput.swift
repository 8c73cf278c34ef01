import HAL
import Model

/// An input that follows a script, and a finger from outside.
final class SimulatedInput: InputDriver, Injectable {
  private let device: DeviceID
  private let world: World
  private let script: InputScript
  private var onChange: ((InputChange) -> Void)?
  private var isPresent = true
  private var scripted = false
  /// What somebody outside holds it at; the script counts when nobody does.
  private var forced: Bool?
  private var last = false
  private var sequence: UInt32 = 0
  private var position = 0
  private var scriptTimer: TimerID?
  private var pressTimer: TimerID?
  private var plugTimer: TimerID?

  init(_ device: Device, _ world: World) throws(HALError) {
    self.device = device.id
    self.world = world
    script = try InputScript(device.id, device.options["script"])
  }

  var isActive: Bool? { isPresent ? forced ?? scripted : nil }

  func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault) {
    stop()
    self.onChange = onChange
    position = 0
    last = forced ?? scripted
    follow(from: world.clock.now)
  }

  func stop() {
    onChange = nil
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
      // Counted from when it was due, so that lateness does not add up.
      follow(from: due)
      tell()
    }
  }

  private func tell() {
    let active = forced ?? scripted
    guard isPresent, active != last else { return }
    last = active
    sequence += 1
    onChange?(.edge(Edge(isActive: active, time: world.clock.now, sequence: sequence)))
  }

  // MARK: From outside

  func take(_ plan: FaultPlan?) {
    if let plugTimer { world.clock.cancel(plugTimer) }
    plugTimer = nil
    if let plan, plan.kind == .unplug {
      if isPresent {
        isPresent = false
        onChange?(.gone)
      }
      if let end = plan.end { plugTimer = world.clock.schedule(at: end) { [weak self] in self?.take(nil) } }
    } else if !isPresent {
      isPresent = true
      last = forced ?? scripted
      onChange?(.back(isActive: last))
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

/// What a simulated input does by itself: `[{after: 6s, press: 400ms}, {after: 13600ms}, repeat]`.
struct InputScript {
  struct Step {
    var after: Duration
    /// nil waits only.
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
      throw .invalid(device, "script: a round that repeats must take at least 10ms")
    }
  }
}

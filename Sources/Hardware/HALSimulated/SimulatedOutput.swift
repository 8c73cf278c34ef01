import HAL
import Model

/// A level that an output has taken.
package struct OutputChange: Sendable, Hashable {
  /// The time on the simulation's clock.
  package var at: Instant
  /// The level, 0 to 1.
  package var level: Double

  /// Takes the level as it is, without a check of its range.
  package init(at: Instant, level: Double) {
    self.at = at
    self.level = level
  }
}

/// An output that records its levels and influences the models of its board.
///
/// Injected faults make it refuse, confirm without effect (`stuck`), be slow, lose its supply for a moment (`brownout`:
/// it falls to `power_on` without reporting it), or be unplugged and come back at `power_on`.
final class SimulatedOutput: OutputDriver, Injectable {
  /// The capacity of `history`.
  private static let memory = 1024

  let isAnalogue: Bool
  private(set) var history: [OutputChange] = []
  private(set) var released: ActuatorSettings.OnExit?
  private let device: DeviceID
  private let latency: Duration
  private let world: World
  private var plan: FaultPlan?
  /// The number of the latest command, and of the latest one that has taken effect.
  private var told: UInt64 = 0
  private var took: UInt64 = 0
  /// Commands delayed by the latency, by number.
  private var underway: [(number: UInt64, level: Double)] = []
  private let onLevel: (Double) -> Void
  /// The level it has when its supply returns.
  private let powerOn: Double
  private var wasReset = false
  private var onPresence: (OutputPresence) -> Void = { _ in }
  private var plugTimer: TimerID?

  let forgets: Bool

  init(_ device: Device, _ world: World, _ onLevel: @escaping (Double) -> Void = { _ in }) throws(HALError) {
    self.onLevel = onLevel
    self.device = device.id
    self.world = world
    let options = try Declaration(device.id, "options", .map(device.options), allowed: device.options.keys)
    latency = try options.duration("latency", .zero)
    isAnalogue = try options.bool("analogue", true)
    forgets = try options.bool("forgets", false)
    powerOn = options.has("power_on") ? try options.number("power_on") : 0
    guard (0...1).contains(powerOn) else { throw .invalid(device.id, "power_on must be a level from 0 to 1") }
  }

  func watch(_ onPresence: @escaping (OutputPresence) -> Void) {
    self.onPresence = onPresence
    if isUnplugged { onPresence(.gone(FaultPlan.absence)) }
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    told += 1
    let number = told
    var delay = latency
    if let plan, self.plan?.strikes(at: world.clock.now) ?? false {
      if plan.kind == .unplug { return done(.failure(.absent(FaultPlan.absence))) }
      if let fault = plan.fault {
        guard plan.kind == .timeout else { return done(.failure(fault)) }
        world.clock.schedule(after: plan.delay) { done(.failure(fault)) }
        return
      }
      // A stuck output confirms and does nothing.
      if plan.kind == .stuck { return done(.success(())) }
      delay += plan.delay
    }
    guard delay > .zero else {
      take(level, number)
      tellReset()
      return done(.success(()))
    }
    underway.append((number, level))
    world.clock.schedule(after: delay) { [self] in
      guard let place = underway.firstIndex(where: { $0.number == number }) else {
        // A power-up meanwhile has dropped the command.
        return done(.failure(.noAcknowledge))
      }
      underway.remove(at: place)
      take(level, number)
      tellReset()
      done(.success(()))
    }
  }

  /// Reports a reset at the first command after it, when a real driver would read it from the chip.
  private func tellReset() {
    guard wasReset else { return }
    wasReset = false
    if forgets { onPresence(.reset) }
  }

  /// The process that drove it has died: commands under way take effect or are lost.
  func abandon(lands: Bool) {
    if lands { for command in underway { take(command.level, command.number) } }
    underway = []
  }

  /// Another process drives it: the newest command, which supersedes those under way.
  func drive(_ level: Double) -> Bool {
    told += 1
    if let plan, self.plan?.strikes(at: world.clock.now) ?? false {
      if plan.fault != nil { return false }
      if plan.kind == .stuck { return true }
    }
    take(level, told)
    return true
  }

  /// An unrelated program writes to it; commands under way still take effect.
  func interfere(_ level: Double) { if !isUnplugged { become(level) } }

  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    if let plan, self.plan?.strikes(at: world.clock.now) ?? false, let fault = plan.fault {
      return done(.failure(fault))
    }
    release(.input)
    done(.success(()))
  }

  func release(_ mode: ActuatorSettings.OnExit) { released = mode }

  private func take(_ level: Double, _ number: UInt64) {
    // A delayed command must not undo a later one.
    guard number > took else { return }
    took = number
    become(level)
  }

  private func become(_ level: Double) {
    if history.count == Self.memory { history.removeFirst(Self.memory / 4) }
    history.append(OutputChange(at: world.clock.now, level: level))
    if world.level(device) != level { world.set(device, level) }
    onLevel(level)
  }

  // MARK: Manual control

  private var isUnplugged: Bool { plan?.kind == .unplug && plan?.isActive(at: world.clock.now) ?? false }

  func take(_ plan: FaultPlan?) {
    if let plugTimer { world.clock.cancel(plugTimer) }
    plugTimer = nil
    let wasUnplugged = self.plan?.kind == .unplug
    if let plan, plan.kind == .brownout {
      // A brownout is over at once and leaves another fault in force.
      return powerUp()
    }
    self.plan = plan
    if let plan, plan.kind == .unplug {
      if let end = plan.end { plugTimer = world.clock.schedule(at: end) { [weak self] in self?.take(nil) } }
      if !wasUnplugged {
        powerUp()
        onPresence(.gone(FaultPlan.absence))
      }
    } else if wasUnplugged {
      onPresence(.back)
    }
  }

  private func powerUp() {
    underway = []
    told += 1
    take(powerOn, told)
    wasReset = true
  }

  func take(_ change: Fields) throws(HALError) -> Bool { false }
}

import Agent
import HAL
import Model

/// The shadows: agents and rules that decide on real events, move nothing, and are recorded. Nothing of it is stored.
///
/// Each shadow agent imagines the outputs for itself, and all shadow rules together, as one party. Of each output that any
/// of them may command the real levels are recorded, too.
package final class Shadows: ShadowControl {
  private let hardware: Hardware
  private let events: any EventSink
  private let clock: any Timekeeper
  /// By name, such as `agent/climate-next`.
  private var records: [String: ShadowRecord] = [:]
  private var agents: [String: ShadowBoard] = [:]
  private var ruleOutputs: [RuleID: (outputs: Set<DeviceID>, signature: String)] = [:]
  /// The outputs as the shadow rules imagine them.
  private(set) lazy var rules = ShadowBoard(hardware, clock, self)
  /// The real levels.
  private var real: [DeviceID: LevelHistory] = [:]

  /// The most differences of an output that are told.
  private static let mostDifferences = 20

  init(hardware: Hardware, events: any EventSink, clock: any Timekeeper) {
    self.hardware = hardware
    self.events = events
    self.clock = clock
  }

  // MARK: Who is a shadow

  /// An agent becomes a shadow.
  /// - Returns: the outputs that it may command.
  func begin(_ manifest: Manifest) -> ShadowBoard {
    let name = ShadowSubject.agent(manifest.id).source
    let board = ShadowBoard(hardware, clock, self)
    agents[name] = board
    records[name] = ShadowRecord(since: clock.now)
    let permitted = manifest.permissions.actuators
    board.keep(Set(actuators.filter { id in permitted.contains { $0.matches(id.rawValue) } }))
    return board
  }

  /// An agent is a shadow no longer, or is replaced.
  /// - Parameter board: what it has imagined; an agent that has taken its place has a board of its own.
  func forget(_ agent: AgentID, _ board: ShadowBoard) {
    let name = ShadowSubject.agent(agent).source
    guard agents[name] === board else { return }
    agents[name] = nil
    records[name] = nil
  }

  /// The shadow rules are now these. The record of one that has changed begins anew.
  func keepRules(_ now: [RuleID: (outputs: Set<DeviceID>, signature: String)]) {
    for (rule, before) in ruleOutputs where now[rule]?.signature != before.signature {
      let name = ShadowSubject.rule(rule).source
      rules.releaseAll(holder: name, cause: nil)
      records[name] = nil
    }
    ruleOutputs = now
    for rule in now.keys where records[ShadowSubject.rule(rule).source] == nil {
      records[ShadowSubject.rule(rule).source] = ShadowRecord(since: clock.now)
    }
    let commanded = now.values.reduce(into: Set<DeviceID>()) { $0.formUnion($1.outputs) }
    rules.keep(commanded.intersection(actuators))
  }

  private var actuators: [DeviceID] {
    hardware.board.devices.compactMap { if case .actuator = $0.kind { $0.id } else { nil } }
  }

  // MARK: Recording

  /// Records the real levels of an output from now on.
  /// - Returns: what was recorded before.
  func follow(_ device: DeviceID) -> ShadowComparison.Use {
    if let known = real[device] { return known.total(at: clock.now) }
    guard let output = hardware.output(device) else { return ShadowComparison.Use() }
    real[device] = LevelHistory(
      LevelHistory.Step(at: clock.now, level: output.commanded, holder: output.holder), safe: output.safe)
    hardware.follow(device) { [weak self] change in
      guard let self else { return }
      real[device]?.note(LevelHistory.Step(at: clock.now, level: change.level, holder: change.holder))
    }
    return ShadowComparison.Use()
  }

  /// Publishes what a shadow would have done, to nobody who could act on it.
  /// - Parameter name: `agent/climate-next`, `rule/hot-next`.
  @discardableResult
  func publish(_ deed: ShadowEvents.Deed, by name: String, cause: Cause?) -> Event {
    if case .changed(let device, _, _) = deed { records[name]?.noteChange(of: device) }
    let event: DaemonEvent
    if name.hasPrefix("agent/") {
      event = ShadowEvents.agent(AgentID(String(name.dropFirst("agent/".count))), deed)
    } else {
      event = ShadowEvents.rule(RuleID(String(name.dropFirst("rule/".count))), deed)
    }
    return events.address(.nobody) { events.publish(event, from: name, cause: cause) }
  }

  func noteRefusal(of device: DeviceID, _ error: HALError, to name: String, _ cause: Cause?) {
    guard records[name]?.note(error, of: device) ?? false else { return }
    publish(.refused(device, reason: error.sentence), by: name, cause: cause)
  }

  func noteWait(for device: DeviceID, heldBy holder: String, _ name: String, _ cause: Cause?) {
    records[name]?.noteWait(for: device, heldBy: holder)
    publish(.waited(device, holder: holder), by: name, cause: cause)
  }

  /// A shadow would have done something else than to move an output.
  /// - Parameters:
  ///   - kind: `emit`, `wake`, …
  ///   - text: as in a rule file.
  @discardableResult
  func note(_ kind: String, _ text: String, by name: String, cause: Cause?) -> Event {
    records[name]?.note(kind, text, at: clock.now)
    return publish(.done(text), by: name, cause: cause)
  }

  // MARK: Comparing

  package func compare(_ subject: ShadowSubject, last: Duration?) -> ShadowComparison? {
    let name = subject.source
    guard let record = records[name] else { return nil }
    let (board, devices): (ShadowBoard?, Set<DeviceID>) =
      switch subject {
      case .agent: (agents[name], Set(agents[name]?.outputs.keys.map(\.self) ?? []))
      case .rule(let id): (rules, ruleOutputs[id]?.outputs ?? [])
      }
    let now = clock.now
    let asked = max(last.map { now + (.zero - $0) } ?? record.since, record.since)
    let outputs = actuators.filter(devices.contains).compactMap { device -> ShadowComparison.Output? in
      guard let output = board?.outputs[device], let did = real[device] else { return nil }
      let would = output.history
      let from = max(asked, would.base.at, did.base.at)
      let (imagined, happened) = (would.steps(from: from), did.steps(from: from))
      let differences = ShadowComparison.differences(imagined, happened, until: now)
      return ShadowComparison.Output(
        device: device, since: from, would: would.use(in: imagined, until: now), did: did.use(in: happened, until: now),
        differs: differences.reduce(.zero) { $0 + (($1.to ?? now) - $1.from) },
        differences: differences.suffix(Self.mostDifferences).reversed(),
        refused: record.refused[device] ?? [:], waited: record.waited[device] ?? [:],
        total: (since: would.start, would: would.total(at: now), did: did.total(at: now) - output.before))
    }
    return ShadowComparison(since: record.since, outputs: outputs, deeds: record.deeds)
  }
}

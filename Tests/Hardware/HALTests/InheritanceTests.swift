import Guardian
import HAL
import HALSimulated
import HALTestKit
import Model
import Testing

/// Leases left to the next daemon, and taken over from the previous one.
@Suite struct InheritanceTests {
  /// Records every call in order, with the level of the hardware at that moment.
  private final class RecordingKeeper: LeaseStore {
    var onOverruled: (OverruledOutput) -> Void = { _ in }
    var left: [DeviceID: OutputHold] = [:]
    var slots: [DeviceID] = []
    var said: [String] = []
    var level: (DeviceID) -> Double? = { _ in nil }

    func slot(of device: DeviceID) -> Int? {
      slots.append(device)
      return slots.count - 1
    }
    func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
      said.append("\(slots[slot]) \(level.text) \(lease.holder) hardware \(self.level(slots[slot])?.text ?? "-")")
    }
    func release(_ slot: Int) {
      said.append("\(slots[slot]) free hardware \(level(slots[slot])?.text ?? "-")")
    }
    func inheritance(of device: DeviceID) -> OutputHold? { left.removeValue(forKey: device) }
  }

  private struct Stage {
    let clock = ManualClock()
    let keeper = RecordingKeeper()
    let sink: RecordingSink
    let backend: SimulatedBackend
    let hardware: Hardware
    let ann = Principal.named("agent/ann")

    init(_ devices: [Device], left: [DeviceID: OutputHold] = [:], isInSafeMode: Bool = false) {
      clock.advance(by: Instant(nanoseconds: 100_000_000_000) - clock.now)
      sink = RecordingSink(clock: clock)
      let board = Board(name: "stage", backend: .simulated, devices: devices)
      let backend = SimulatedBackend(board: board, clock: clock, seed: 1)
      self.backend = backend
      hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
      keeper.left = left
      keeper.level = { backend.history(of: $0).last?.level }
      hardware.openActuators(leaseStore: keeper, takingOver: !isInSafeMode)
    }

    func level(_ id: DeviceID) -> Double? { backend.history(of: id).last?.level }
  }

  /// A lease since 90 s until `deadline` seconds; the clock is at 100 s.
  private func hold(_ level: Double = 1, until deadline: UInt64 = 130, isCut: Bool = false) -> OutputHold {
    OutputHold(
      level: level, deadline: deadline * 1_000_000_000, since: 90_000_000_000, isCutByMaxOn: isCut,
      holder: Array("agent/bob".utf8))
  }

  @Test func holdsAreStoredAfterTheHardwareAndErasedBefore() throws {
    let stage = Stage([.actuator("fan")])
    try stage.hardware.controlActuator("fan", .level(0.5), as: stage.ann)
    try stage.hardware.controlActuator("fan", .level(0.5), as: stage.ann)
    try stage.hardware.controlActuator("fan", .pulse(.seconds(1)), as: stage.ann)
    stage.clock.advance(by: .seconds(2))
    try stage.hardware.controlActuator("fan", .off, as: stage.ann)
    #expect(
      stage.keeper.said == [
        "fan 0.5 agent/ann hardware 0.5", "fan 0.5 agent/ann hardware 0.5", "fan 1 agent/ann hardware 1",
        "fan 0.5 agent/ann hardware 0.5", "fan free hardware 0.5",
      ])
    #expect(stage.level("fan") == 0)
  }

  @Test func everyWayToTheSafeStateErasesTheHold() throws {
    let stage = Stage([.actuator("fan"), .actuator("lamp"), .actuator("pump"), .actuator("vent")])
    for id in ["fan", "lamp", "pump", "vent"] as [DeviceID] {
      try stage.hardware.controlActuator(id, .on, lease: .seconds(5), as: stage.ann)
    }
    try stage.hardware.release("fan", holder: "agent/ann", reason: "released")
    stage.hardware.safeAll(reason: "emergency-stop")
    try stage.hardware.controlActuator("lamp", .on, lease: .seconds(1), as: stage.ann)
    stage.clock.advance(by: .seconds(2))
    try stage.hardware.controlActuator("pump", .on, lease: .seconds(1), as: stage.ann)
    stage.hardware.releaseAll(holder: "agent/ann")
    try stage.hardware.controlActuator("vent", .on, lease: .seconds(1), as: stage.ann)
    stage.hardware.close()
    var held: Set<String> = []
    for line in stage.keeper.said {
      let words = line.split(separator: " ").map(String.init)
      if words[1] == "free" { held.remove(words[0]) } else { held.insert(words[0]) }
    }
    #expect(held.isEmpty, "\(stage.keeper.said)")
  }

  @Test func aHeldOutputIsTakenOver() throws {
    let stage = Stage(
      [.actuator("fan", ActuatorSettings(onExit: .hold)), .actuator("lamp")], left: ["fan": hold(0.4)])
    #expect(stage.backend.history(of: "fan").map(\.level) == [0.4])
    #expect(stage.level("lamp") == 0)
    let change = try #require(stage.sink.of("device:changed").first)
    #expect(change["reason"] == "taken-over" && change["holder"] == "agent/bob" && change["state"] == .double(0.4))
    #expect(change["lease_ms"] == .int(30_000))
    #expect(stage.keeper.said == ["fan 0.4 agent/bob hardware 0.4"])
    // It is an ordinary lease: others are refused, and it ends.
    let error = failure { () throws(HALError) in try stage.hardware.controlActuator("fan", .off, as: stage.ann) }
    guard case .busy(_, "agent/bob", _) = error else { Issue.record("\(String(describing: error))"); return }
    stage.clock.advance(by: .seconds(31))
    #expect(stage.level("fan") == 0)
    #expect(stage.sink.of("device:changed").last?["reason"] == "lease-expired")
  }

  @Test func limitsOfTheCurrentBoardApply() {
    func level(_ settings: ActuatorSettings, _ left: OutputHold, options: Fields = [:]) -> Double? {
      Stage([.actuator("fan", settings, options: options)], left: ["fan": left]).level("fan")
    }
    #expect(level(ActuatorSettings(onExit: .hold), hold()) == 1)
    #expect(level(ActuatorSettings(onExit: .safe), hold()) == 0)
    #expect(level(ActuatorSettings(onExit: .hold), hold(until: 100)) == 0)
    #expect(level(ActuatorSettings(onExit: .hold, maxOn: .seconds(10)), hold()) == 0)
    #expect(level(ActuatorSettings(onExit: .hold, maxOn: .seconds(11)), hold()) == 1)
    #expect(level(ActuatorSettings(onExit: .hold), hold(0.5), options: ["analogue": false]) == 0)
    #expect(level(ActuatorSettings(safe: 1, onExit: .hold), hold(0)) == 0)
  }

  /// A lease that is not taken over ends, and the change is published.
  @Test func aHeldOutputThatIsNotTakenOverIsReported() throws {
    func change(_ devices: [Device], _ left: [DeviceID: OutputHold], of id: DeviceID = "fan") -> Event? {
      Stage(devices, left: left).sink.of("device:changed").last { $0.source == id.rawValue }
    }
    let settings = ActuatorSettings(onExit: .hold)
    var rival = settings
    rival.exclusiveWith = ["fan"]
    let changes = [
      change([.actuator("fan", ActuatorSettings(onExit: .safe))], ["fan": hold()]),
      change([.actuator("fan", ActuatorSettings(onExit: .hold, maxOn: .seconds(10)))], ["fan": hold()]),
      change(
        [.actuator("fan", settings), .actuator("pump", rival)], ["fan": hold(), "pump": hold()], of: "pump"),
    ]
    for change in changes {
      let change = try #require(change)
      #expect(change["reason"] == "not-taken-over" && change["holder"] == "agent/bob")
      #expect(change["state"] == 0.0 && change["previous"] == 1.0 && change["lease_ms"] == .null)
    }
    #expect(changes.count == 3)
  }

  @Test func safeModeTakesNothingOverAndReportsIt() {
    let stage = Stage([.actuator("fan", ActuatorSettings(onExit: .hold))], left: ["fan": hold()], isInSafeMode: true)
    #expect(stage.sink.of("device:changed").map { $0["reason"] } == ["not-taken-over"])
    #expect(stage.level("fan") == 0)
  }

  @Test func maxOnCountsFromTheOriginalStart() {
    let stage = Stage(
      [.actuator("fan", ActuatorSettings(onExit: .hold, maxOn: .seconds(15)))], left: ["fan": hold()])
    stage.clock.advance(by: .milliseconds(4900))
    #expect(stage.level("fan") == 1)
    stage.clock.advance(by: .milliseconds(200))
    #expect(stage.level("fan") == 0)
    #expect(stage.sink.of("device:limited").first?["rule"] == "max_on")
  }

  @Test func exclusivesAreNeverTakenOverTogether() {
    let settings = ActuatorSettings(onExit: .hold)
    var rival = settings
    rival.exclusiveWith = ["fan"]
    let stage = Stage(
      [.actuator("fan", settings), .actuator("pump", rival)], left: ["fan": hold(), "pump": hold()])
    #expect(stage.level("fan") == 1 && stage.level("pump") == 0)
  }

  /// An output that can be opened only after a stop, even a cleared one, does not resume its lease.
  @Test func nothingIsTakenOverAfterAStop() throws {
    for isStopped in [false, true] {
      let clock = ManualClock()
      clock.advance(by: .seconds(100))
      let board = Board(
        name: "stage", backend: .simulated, devices: [.actuator("fan", ActuatorSettings(onExit: .hold))])
      let backend = BusyAtFirst(SimulatedBackend(board: board, clock: clock, seed: 1))
      let hardware = Hardware(board: board, backend: backend, clock: clock, events: RecordingSink(clock: clock))
      let keeper = RecordingKeeper()
      keeper.left = ["fan": hold(until: 900)]
      hardware.open(leaseStore: keeper)
      if isStopped {
        hardware.stopEverything(by: "client/ada")
        try hardware.clearEmergencyStop(by: "client/ada")
      }
      backend.isBusy = false
      clock.advance(by: .seconds(40))
      #expect(backend.simulated.history(of: "fan").last?.level == (isStopped ? 0 : 1))
    }
  }

  /// A layer whose lines are in use by another program at first.
  private final class BusyAtFirst: Backend {
    let simulated: SimulatedBackend
    var isBusy = true
    init(_ simulated: SimulatedBackend) { self.simulated = simulated }
    func open(_ device: Device) throws(HALError) -> OpenDevice {
      if isBusy { throw .failed(device.id, operation: "open", .inUse(nil)) }
      return try simulated.open(device)
    }
    func close() { simulated.close() }
  }
}

import Guardian
import HAL
import HALSimulated
import HALTestKit
import Model
import TestKit
import Testing

/// For any sequence of commands, kills and restarts of the daemon, the outputs keep `max_rate`, `min_off` and `max_on`.
@Suite struct RestartPropertyTests {
  private static let devices: [Device] = [
    .actuator(
      "pump",
      ActuatorSettings(
        maxOn: .seconds(7), minOff: .seconds(2), maxRate: Rate(count: 4, per: .seconds(20)), lease: .seconds(3))),
    .actuator(
      "vent",
      ActuatorSettings(
        onExit: .hold, maxOn: .seconds(9), minOff: .seconds(1), maxRate: Rate(count: 3, per: .seconds(10)),
        lease: .seconds(4))),
    .actuator(
      "slow", ActuatorSettings(maxRate: Rate(count: 3, per: .seconds(8)), lease: .seconds(2)),
      options: ["latency": "40ms"]),
    .actuator("brake", ActuatorSettings(safe: 1, maxRate: Rate(count: 2, per: .seconds(5)), lease: .seconds(2))),
  ]

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func limitsHold(seed: UInt64) throws {
    let world = World(Self.devices)
    var random = SeededGenerator(seed)
    let principal = Principal.named("agent/ann")
    var granted = 0
    for _ in 0..<1500 {
      let id = Self.devices.randomElement(using: &random)!.id
      let command: ActuatorCommand =
        [.on, .on, .off, .level(0.5), .pulse(.milliseconds(400))].randomElement(using: &random)!
      let error = failure { () throws(HALError) in
        try world.life.hardware.controlActuator(id, command, as: principal)
      }
      if error == nil { granted += 1 }
      world.clock.advance(by: .milliseconds(Int.random(in: 0...1200, using: &random)))
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1: world.kill(&random)
      case 2: world.end()
      default: continue
      }
      world.clock.advance(by: .milliseconds(Int.random(in: 50...900, using: &random)))
      world.start()
    }
    #expect(granted > 200)
    world.clock.advance(by: .seconds(60))
    for device in Self.devices { try check(world, device) }
    #expect(world.clock.waiting == 0)
  }

  @Test func aCrashLoopDoesNotBypassMaxRate() throws {
    let world = World([.actuator("pump", ActuatorSettings(maxRate: Rate(count: 6, per: .seconds(3600))))])
    var random = SeededGenerator(1)
    var granted = 0
    for _ in 0..<50 {
      if (try? world.life.hardware.controlActuator("pump", .on, as: .named("agent/ann"))) != nil { granted += 1 }
      world.clock.advance(by: .seconds(1))
      world.kill(&random)
      world.clock.advance(by: .milliseconds(300))
      world.start()
    }
    // The guardian switches each off again, which counts too.
    #expect(granted == 3)
    let error = failure { () throws(HALError) in
      try world.life.hardware.controlActuator("pump", .on, as: .named("agent/ann"))
    }
    guard case .limited(_, rule: "max_rate", _, let wait?) = error else {
      Issue.record("\(String(describing: error))"); return
    }
    world.clock.advance(by: wait)
    try world.life.hardware.controlActuator("pump", .on, as: .named("agent/ann"))
  }

  @Test func theNextBootStartsWithoutHistory() throws {
    let world = World([.actuator("pump", ActuatorSettings(maxRate: Rate(count: 1, per: .seconds(3600))))])
    try world.life.hardware.controlActuator("pump", .on, lease: .seconds(1), as: .named("agent/ann"))
    world.clock.advance(by: .seconds(2))
    world.end()
    world.kept = [:]
    world.start()
    try world.life.hardware.controlActuator("pump", .on, as: .named("agent/ann"))
  }

  @Test func aRateBeyondTheStoredChangesStaysOnTheSafeSide() throws {
    let rate = Rate(count: ActuatorChange.mostKept + 100, per: .seconds(3600))
    let world = World([.actuator("pump", ActuatorSettings(maxRate: rate))])
    func change(_ times: Int) -> Int {
      (0..<times).count { index in
        world.clock.advance(by: .milliseconds(1))
        let level: ActuatorCommand = .level(index.isMultiple(of: 2) ? 0.5 : 1)
        let error = failure { () throws(HALError) in
          try world.life.hardware.controlActuator("pump", level, lease: .seconds(900), as: .named("agent/ann"))
        }
        return error == nil
      }
    }
    #expect(change(600) == 600)
    world.end()
    world.start()
    // Of 602 changes the newest 512 are stored; the others are assumed at the time of the oldest stored one.
    #expect(change(600) == 0)
    world.clock.advance(by: .seconds(3600))
    #expect(change(600) == 600)
  }

  private func check(_ world: World, _ device: Device) throws {
    guard case .actuator(let settings) = device.kind else { return }
    let changes = world.changes.filter { $0.id == device.id }
    #expect(changes.count > 50)
    var offSince: Instant?
    var onSince: Instant?
    for (index, change) in changes.enumerated() {
      guard change.level != settings.safe else {
        // The guardian of these tests needs at most 10 ms. After an orderly exit nothing ends a held output.
        if let maxOn = settings.maxOn, let onSince,
          settings.onExit == .safe || !world.ends.contains(where: { $0 >= onSince && $0 <= change.at })
        {
          #expect(change.at - onSince <= maxOn + .milliseconds(10))
        }
        (offSince, onSince) = (change.at, nil)
        continue
      }
      if onSince == nil {
        if let minOff = settings.minOff, let offSince { #expect(change.at - offSince >= minOff, "\(device.id)") }
        onSince = change.at
      }
      let rate = try #require(settings.maxRate)
      let window = changes[...index].filter { change.at - $0.at < rate.per }
      #expect(window.count <= rate.count, "\(device.id): \(window)")
    }
    #expect(onSince == nil, "\(device.id) was left on")
  }
}

/// The hardware, a guardian, and a sequence of daemons' gates.
private final class World {
  let clock = ManualClock()
  let backend: SimulatedBackend
  private(set) var changes: [(id: DeviceID, at: Instant, level: Double)] = []
  /// Stored changes, which outlive a daemon.
  var kept: [DeviceID: [ActuatorChange]] = [:]
  /// The leases on the shared page.
  var page: [DeviceID: OutputHold] = [:]
  private(set) var life: Life
  /// The times of orderly exits.
  private(set) var ends: [Instant] = []
  private let board: Board
  private var levels: [DeviceID: Double] = [:]

  init(_ devices: [Device]) {
    board = Board(name: "world", backend: .simulated, devices: devices)
    clock.advance(by: .seconds(100))
    backend = SimulatedBackend(board: board, clock: clock, seed: 1)
    life = Life(board, backend, clock)
    backend.onOutput = { [unowned self] id, level in
      if levels.updateValue(level, forKey: id) ?? safe(id) != level { changes.append((id, clock.now, level)) }
    }
    life.open(self)
  }

  private func safe(_ id: DeviceID) -> Double {
    guard case .actuator(let settings)? = board.device(id)?.kind else { return 0 }
    return settings.safe
  }

  /// SIGKILL: commands under way arrive or are lost, and the guardian acts within 10 ms.
  func kill(_ random: inout SeededGenerator) {
    life.isDead = true
    let lands = Bool.random(using: &random)
    backend.abandon { _ in lands }
    clock.advance(by: .milliseconds(Int.random(in: 0...10, using: &random)))
    let dead = life
    for device in board.devices {
      if let hold = page[device.id] {
        clock.schedule(at: Instant(nanoseconds: hold.deadline)) { [unowned self] in
          // Unless the next daemon has taken over.
          if life === dead { drive(device.id) }
        }
      } else {
        drive(device.id)
      }
    }
  }

  private func drive(_ id: DeviceID) {
    page[id] = nil
    #expect(backend.drive(id, to: safe(id)))
  }

  /// An orderly exit.
  func end() {
    ends.append(clock.now)
    var isOver = false
    life.hardware.end(within: .seconds(3)) { isOver = $0.isEmpty }
    clock.advance(by: .seconds(3))
    #expect(isOver)
    life.isDead = true
  }

  func start() {
    life = Life(board, backend, clock)
    life.open(self)
  }
}

/// The gate of one daemon; once dead it neither drives nor stores anything.
private final class Life: Backend, ChangeStore, LeaseStore {
  var isDead = false
  var onOverruled: (OverruledOutput) -> Void = { _ in }
  private let backend: SimulatedBackend
  private let board: Board
  private let clock: ManualClock
  private unowned var world: World?
  private var left: [DeviceID: OutputHold] = [:]
  lazy var hardware = Hardware(board: board, backend: self, clock: clock, events: RecordingSink(clock: clock))

  init(_ board: Board, _ backend: SimulatedBackend, _ clock: ManualClock) {
    (self.board, self.backend, self.clock) = (board, backend, clock)
  }

  func open(_ world: World) {
    self.world = world
    left = world.page
    world.page = [:]
    hardware.changeStore = self
    hardware.open(leaseStore: self)
  }

  func open(_ device: Device) throws(HALError) -> OpenDevice {
    guard case .output(let output) = try backend.open(device) else { throw .invalid(device.id, "no output") }
    return .output(Output(output, self))
  }
  func close() {}

  func changes(of device: DeviceID) -> [ActuatorChange] { world?.kept[device] ?? [] }
  func keep(_ changes: [ActuatorChange], of device: DeviceID) { if !isDead { world?.kept[device] = changes } }

  func slot(of device: DeviceID) -> Int? { device == "vent" ? 0 : nil }
  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    guard !isDead else { return }
    world?.page["vent"] = OutputHold(
      level: level, deadline: lease.deadline.nanoseconds, since: since.nanoseconds, isCutByMaxOn: lease.isCutByMaxOn,
      holder: Array(lease.holder.utf8))
  }
  func release(_ slot: Int) { if !isDead { world?.page["vent"] = nil } }
  func inheritance(of device: DeviceID) -> OutputHold? { left.removeValue(forKey: device) }

  private final class Output: OutputDriver {
    private let output: any OutputDriver
    private let life: Life

    init(_ output: any OutputDriver, _ life: Life) { (self.output, self.life) = (output, life) }

    var isAnalogue: Bool { output.isAnalogue }
    func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
      if !life.isDead { output.set(level) { [life] in if !life.isDead { done($0) } } }
    }
    func release(_ mode: ActuatorSettings.OnExit) {}
  }
}

import Guardian
import HAL
import HALSimulated
import HALTestKit
import Model
import Testing

/// The gate after the guardian has ended an overdue lease.
@Suite struct OverruleTests {
  private final class Keeper: LeaseStore {
    var onOverruled: (OverruledOutput) -> Void = { _ in }
    var held: Set<Int> = []

    var deadline = Instant(nanoseconds: 0)
    func slot(of device: DeviceID) -> Int? { ["fan": 0, "lamp": 1, "pump": 2][device] }
    func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
      held.insert(slot)
      deadline = lease.deadline
    }
    func release(_ slot: Int) { held.remove(slot) }
    func inheritance(of device: DeviceID) -> OutputHold? { nil }

    /// Simulates the guardian's message about a lease of `ann`, by default one that ended a second ago.
    func overrule(
      _ device: String, _ clock: ManualClock, deadline: Instant? = nil, isCut: Bool = false, errno: Int32 = 0
    ) {
      let now = clock.now.nanoseconds
      onOverruled(
        OverruledOutput(
          device: Array(device.utf8),
          hold: OutputHold(
            level: 1, deadline: deadline?.nanoseconds ?? now - 1_000_000_000, since: 0, isCutByMaxOn: isCut,
            holder: Array("agent/ann".utf8)),
          time: now - 300_000_000, errno: errno))
    }
  }

  private let clock = ManualClock()
  private let keeper = Keeper()
  private let sink: RecordingSink
  private let backend: SimulatedBackend
  private let hardware: Hardware
  private let ann = Principal.named("agent/ann")

  init() {
    clock.advance(by: .seconds(100))
    sink = RecordingSink(clock: clock)
    let board = Board(
      name: "stage", backend: .simulated,
      devices: [.actuator("fan"), .actuator("lamp"), .actuator("pump", ActuatorSettings(maxOn: .seconds(20)))])
    backend = SimulatedBackend(board: board, clock: clock, seed: 1)
    hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open(leaseStore: keeper)
  }

  private func level(_ id: DeviceID) -> Double? { backend.history(of: id).last?.level }
  private func reasons(_ id: DeviceID) -> [String] {
    sink.of("device:changed").filter { $0.source == id.rawValue }.compactMap { $0["reason"]?.string }
  }

  @Test func aLeaseThatWasRenewedInTheSameInstantEnds() throws {
    try hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    try hardware.controlActuator("lamp", .on, lease: .seconds(60), as: ann)
    keeper.overrule("fan", clock)
    #expect(level("fan") == 0 && hardware.device("fan")?.holder == nil)
    #expect(reasons("fan") == ["command", "overruled"])
    #expect(level("lamp") == 1 && keeper.held == [1])
    let event = try #require(sink.of("system:guardian_overruled").first)
    #expect(event["device"] == "fan" && event["holder"] == "agent/ann" && event["error"] == .null)
    #expect(event["late_ms"] == .int(700) && event["ago_ms"] == .int(300))
    #expect(sink.of("device:changed").last?.cause == event.id)
    // Its timer is gone; a new command is needed.
    clock.advance(by: .seconds(61))
    #expect(reasons("fan") == ["command", "overruled"])
    try hardware.controlActuator("fan", .on, as: ann)
    #expect(level("fan") == 1)
  }

  @Test func anExpiredLeaseIsNotOverruledAgain() throws {
    try hardware.controlActuator("fan", .on, lease: .seconds(1), as: ann)
    clock.advance(by: .seconds(2))
    keeper.overrule("fan", clock)
    #expect(reasons("fan") == ["command", "lease-expired"])
    #expect(sink.of("system:guardian_overruled").count == 1)
  }

  @Test func theGateRetriesWhatTheGuardianFailedToDo() throws {
    try hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    try backend.inject("fan", ["fault": "nack", "for": "1s"])
    keeper.overrule("fan", clock, errno: 121)
    #expect(sink.of("system:guardian_overruled").first?["error"] == .int(121))
    #expect(level("fan") == 1 && hardware.device("fan")?.holder == nil)
    clock.advance(by: .seconds(10))
    #expect(level("fan") == 0 && reasons("fan") == ["command", "overruled"])
  }

  @Test(arguments: [false, true]) func maxOnIsReportedOnceByGateOrGuardian(isHeardFirst: Bool) throws {
    try hardware.controlActuator("pump", .on, lease: .seconds(60), as: ann)
    let deadline = keeper.deadline
    // The loop was stuck, and the message arrives before its own timer fires, or after.
    if isHeardFirst {
      clock.advance(by: .seconds(19))
    } else {
      clock.advance(by: .seconds(21))
    }
    keeper.overrule("pump", clock, deadline: deadline, isCut: true)
    clock.advance(by: .seconds(60))
    let limited = sink.of("device:limited")
    #expect(limited.count == 1)
    #expect(limited.first?["rule"] == "max_on" && limited.first?["holder"] == "agent/ann")
    #expect(limited.first?["limit_ms"] == .int(20_000))
    #expect(reasons("pump") == ["command", isHeardFirst ? "overruled" : "max-on"])
    #expect(sink.of("device:changed").last?.cause == limited.first?.id)
  }

  @Test func anUnknownDeviceIsIgnored() {
    keeper.overrule("horn", clock)
    #expect(sink.of("system:guardian_overruled").isEmpty)
  }

  @Test func aHeldOutputKeepsItsLeaseUntilItsRelease() throws {
    let board = Board(
      name: "stage", backend: .simulated,
      devices: [.actuator("fan"), .actuator("lamp", ActuatorSettings(onExit: .hold))])
    let backend = SimulatedBackend(board: board, clock: clock, seed: 1)
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open(leaseStore: keeper)
    try hardware.controlActuator("lamp", .on, lease: .seconds(9), as: ann)
    // Another output refuses, so the end takes a while.
    try hardware.controlActuator("fan", .on, as: ann)
    try backend.inject("fan", "nack")
    var isOver = false
    hardware.end(within: .seconds(3)) { _ in isOver = true }
    // If the daemon hung now, the guardian would still have the lease.
    #expect(keeper.held == [1] && hardware.lease(of: "lamp") != nil)
    clock.advance(by: .seconds(3))
    #expect(isOver && keeper.held == [])
    #expect(backend.history(of: "lamp").last?.level == 1 && backend.released("lamp") == .hold)
    #expect(clock.waiting == 0)
  }

  @Test func aLeaseThatRunsOutDuringTheEndIsOver() throws {
    let board = Board(
      name: "stage", backend: .simulated,
      devices: [.actuator("fan"), .actuator("lamp", ActuatorSettings(onExit: .hold))])
    let backend = SimulatedBackend(board: board, clock: clock, seed: 1)
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open(leaseStore: keeper)
    try hardware.controlActuator("lamp", .on, lease: .seconds(2), as: ann)
    try hardware.controlActuator("fan", .on, as: ann)
    try backend.inject("fan", "nack")
    hardware.end(within: .seconds(3)) { _ in }
    clock.advance(by: .seconds(2))
    #expect(backend.history(of: "lamp").last?.level == 0 && reasons("lamp").last == "lease-expired")
    clock.advance(by: .seconds(1))
    #expect(clock.waiting == 0)
  }
}

import HAL
import HALTestKit
import Model
import Testing

/// The gate and outputs that fail.
@Suite struct GateFaultTests {
  let ann = Principal.named("agent/ann")

  @Test func aFailedCommandLeavesItSafe() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.backend.inject("fan", ["fault": "nack", "count": 1])
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    #expect(error == .failed("fan", operation: "set", .noAcknowledge))
    #expect(bench.sink.of("device:fault").count == 1)
    #expect(bench.hardware.device("fan")?.fault != nil)
    // The safe state is retried until it is confirmed; then the output works again.
    bench.wait(100)
    #expect(bench.sink.of("device:recovered").count == 1)
    #expect(bench.sink.of("device:changed").isEmpty)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    #expect(bench.level("fan") == 1)
  }

  @Test func aFailedExpiryIsRetriedUntilItIsConfirmed() throws {
    let bench = GateBench([.actuator("fan"), .actuator("lamp", ActuatorSettings(exclusiveWith: ["fan"]))])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(1), as: ann)
    try bench.backend.inject("fan", ["fault": "nack", "for": "10s"])
    bench.wait(1000)
    #expect(bench.level("fan") == 1)
    #expect(bench.sink.of("device:fault").count == 1)
    // Not safe before the hardware confirms: no event, and its rival is refused.
    #expect(bench.reasons("fan") == ["command"])
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("lamp", .on, as: ann) }
    guard case .limited(_, rule: "exclusive_with", _, _) = error else {
      Issue.record("\(String(describing: error))"); return
    }
    bench.wait(30000)
    #expect(bench.level("fan") == 0)
    #expect(bench.reasons("fan") == ["command", "lease-expired"])
    #expect(bench.sink.of("device:fault").count == 1 && bench.sink.of("device:recovered").count == 1)
    try bench.hardware.controlActuator("lamp", .on, as: ann)
  }

  @Test func aLateChangeCountsFromItsArrival() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxRate: Rate(count: 1, per: .seconds(10))))])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    bench.wait(10_000)
    try bench.backend.inject("fan", ["fault": "nack", "for": "4s"])
    _ = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .off, as: ann) }
    bench.wait(10_000)
    let off = try #require(bench.backend.history(of: "fan").last)
    #expect(off.level == 0 && off.at - bench.clock.now < .seconds(-3))
    // Ten seconds after the command it has been off for less than ten seconds.
    let early = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    guard case .limited(_, rule: "max_rate", _, let wait?) = early else {
      Issue.record("\(String(describing: early))"); return
    }
    #expect(bench.clock.now + wait == off.at + .seconds(10))
  }

  @Test func aChangeBehindASlowBusCountsFromItsArrival() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxRate: Rate(count: 2, per: .seconds(10))))])
    try bench.backend.inject("fan", ["fault": "slow", "delay": "4s", "count": 1])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    bench.wait(5000)
    try bench.hardware.controlActuator("fan", .level(0.5), lease: .seconds(60), as: ann)
    // Ten seconds after the command it has been on for six.
    bench.wait(5000)
    let early = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    guard case .limited(_, rule: "max_rate", _, .seconds(4)?) = early else {
      Issue.record("\(String(describing: early))"); return
    }
  }

  @Test func severalChangesBehindASlowBusCountFromTheLastOne() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxRate: Rate(count: 2, per: .seconds(10))))])
    try bench.backend.inject("fan", ["fault": "slow", "delay": "4s", "count": 2])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    bench.wait(1000)
    try bench.hardware.controlActuator("fan", .level(0.5), lease: .seconds(60), as: ann)
    bench.wait(10_000)
    let early = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    guard case .limited(_, rule: "max_rate", _, .seconds(4)?) = early else {
      Issue.record("\(String(describing: early))"); return
    }
    bench.wait(4000)
    try bench.hardware.controlActuator("fan", .on, as: ann)
  }

  /// A renewal is no change, but going safe after its failure is one.
  @Test(arguments: [false, true]) func goingSafeAfterAFailureCountsForMaxRate(isRefresh: Bool) throws {
    let rate = Rate(count: 2, per: .seconds(60))
    let bench = GateBench([
      .actuator("pump", ActuatorSettings(maxRate: rate), options: isRefresh ? ["forgets": true] : [:])
    ])
    try bench.hardware.controlActuator("pump", .on, lease: .seconds(50), as: ann)
    try bench.backend.inject("pump", ["fault": "nack", "for": "6s"])
    if !isRefresh {
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator("pump", .on, as: ann) }
      #expect(error == .failed("pump", operation: "set", .noAcknowledge))
    }
    bench.wait(20_000)
    #expect(bench.level("pump") == 0 && bench.hardware.unsafeActuators.isEmpty)
    let refused = failure { () throws(HALError) in try bench.hardware.controlActuator("pump", .on, as: ann) }
    guard case .limited(_, rule: "max_rate", _, _) = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
  }

  @Test func aLateAnswerOfFailureRevokesTheLease() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.backend.inject("fan", ["fault": "timeout", "count": 1, "delay": "200ms"])
    let receipt = try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    #expect(receipt.state == 1)
    bench.wait(200)
    #expect(bench.sink.of("device:fault").count == 1)
    #expect(bench.hardware.device("fan")?.holder == nil)
    bench.wait(100)
    #expect(bench.level("fan") == 0)
    // It was never confirmed to be on.
    #expect(bench.reasons("fan") == ["fault"])
    #expect(bench.clock.waiting == 0)
  }

  @Test func aDeviceThatCannotBeOpenedIsRetried() throws {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let board = Board(name: "b", backend: .linux, devices: [.actuator("fan"), .sensor("t"), .actuator("lamp")])
    let backend = Reluctant(failures: 2)
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open()
    #expect(sink.of("device:fault").map(\.source) == ["fan"])
    #expect(backend.attempts == ["fan", "lamp", "t"])
    let error = failure { () throws(HALError) in try hardware.controlActuator("fan", .on, as: ann) }
    #expect(error == .failed("fan", operation: "open", .inUse("another")))
    try hardware.controlActuator("lamp", .on, as: ann)
    clock.advance(by: .seconds(1))
    #expect(sink.of("device:recovered").isEmpty)
    clock.advance(by: .seconds(2))
    #expect(sink.of("device:recovered").map(\.source) == ["fan"])
    #expect(sink.of("device:fault").count == 1)
    try hardware.controlActuator("fan", .on, as: ann)
    hardware.close()
    #expect(clock.waiting == 0)
  }

  /// An output that can be opened at last but refuses its first level has not recovered.
  @Test func anOutputThatRefusesItsFirstLevelHasNotRecovered() {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let board = Board(name: "b", backend: .linux, devices: [.actuator("fan")])
    let backend = Reluctant(failures: 1)
    backend.refuses = true
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open()
    clock.advance(by: .seconds(5))
    #expect(sink.events.map(\.type) == ["device:fault"] && hardware.unsafeActuators == ["fan"])
    hardware.close()
  }

  @Test func aWrongBoardFileDoesNotBlameTheCommand() {
    let bench = GateBench([.actuator("bad", options: ["power_on": 3])])
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("bad", .on, as: ann) }
    #expect(
      error?.description
        == "'bad' is not available: its entry in the board file is wrong: power_on must be a level from 0 to 1")
    #expect(bench.hardware.refusals.map(\.device) == ["bad"] && !bench.hardware.isTriedAgain("bad"))
  }

  /// The end of an absent rival's lease does not help.
  @Test func theLeaseOfAnAbsentRivalGivesNoRetryTime() throws {
    let bench = GateBench([.actuator("a"), .actuator("b", ActuatorSettings(exclusiveWith: ["a"]))])
    try bench.hardware.controlActuator("a", .on, lease: .seconds(20), as: ann)
    func retry() -> Duration? {
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator("b", .on, as: ann) }
      guard case .limited(_, rule: "exclusive_with", _, let retry) = error else { return nil }
      return retry
    }
    #expect(retry() == .seconds(20))
    try bench.backend.inject("a", "unplug")
    #expect(retry() == nil)
  }

  @Test func aRivalThatCouldNotBeOpenedIsNotSafe() {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let board = Board(
      name: "b", backend: .linux,
      devices: [.actuator("fan"), .actuator("lamp", ActuatorSettings(exclusiveWith: ["fan"]))])
    let hardware = Hardware(board: board, backend: Reluctant(failures: 1000), clock: clock, events: sink)
    hardware.open()
    #expect(hardware.device("fan")?.state == "not open")
    let error = failure { () throws(HALError) in try hardware.controlActuator("lamp", .on, as: ann) }
    guard case .limited("lamp", rule: "exclusive_with", let detail, nil) = error else {
      Issue.record("\(String(describing: error))"); return
    }
    #expect(detail == "it is unknown whether 'fan' is in its safe state: open 'fan' failed: in use by another")
    var refusals: [Hardware.Refusal] = []
    hardware.stopEverything(by: "client/root")
    hardware.confirm(within: .seconds(1)) { refusals = $0 }
    #expect(refusals.map(\.device) == ["fan"])
    hardware.close()
  }
}

/// A layer whose `fan` cannot be opened at first.
private final class Reluctant: Backend {
  private final class Output: OutputDriver {
    let isAnalogue = false
    let refuses: Bool
    init(_ refuses: Bool) { self.refuses = refuses }
    func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
      done(refuses ? .failure(.noAcknowledge) : .success(()))
    }
    func release(_ mode: ActuatorSettings.OnExit) {}
  }
  private final class Sensor: SensorDriver {
    let unit = ""
    func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) { done(.success(Measurement(1))) }
  }

  var attempts: [DeviceID] = []
  var refuses = false
  private var failures: Int

  init(failures: Int) { self.failures = failures }

  func open(_ device: Device) throws(HALError) -> OpenDevice {
    attempts.append(device.id)
    if device.id == "fan", failures > 0 {
      failures -= 1
      throw .failed("fan", operation: "open", .inUse("another"))
    }
    return device.id == "t" ? .sensor(Sensor()) : .output(Output(refuses))
  }

  func close() {}
}

import HAL
import HALTestKit
import Model
import Testing

/// A command always reaches the hardware, whatever level the gate assumes: a chip may have lost its power, or another
/// program may have written to it.
@Suite struct SafeCommandTests {
  let ann = Principal.named("agent/ann")

  /// The ways to make an output safe.
  enum Way: CaseIterable { case off, stop, secondStop, safeAll, close, overrule, release }

  @Test(arguments: Way.allCases) func anOutputBelievedSafeIsWrittenAgain(way: Way) throws {
    let bench = GateBench([.actuator("heater")])
    if way == .secondStop { bench.hardware.stopEverything(by: "client/root") }
    #expect(bench.backend.drive("heater", to: 1))
    switch way {
    case .off: try bench.hardware.controlActuator("heater", .off, as: ann)
    case .stop, .secondStop: bench.hardware.stopEverything(by: "client/root")
    case .safeAll: bench.hardware.safeAll(reason: "test")
    case .close: bench.hardware.close()
    case .release: #expect(try !bench.hardware.release("heater", holder: "client/ada", reason: "released"))
    case .overrule: try bench.hardware.controlActuator("heater", .level(0), as: .named("client/ada"), override: true)
    }
    #expect(bench.level("heater") == 0)
    #expect(bench.sink.of("device:changed").isEmpty, "the assumed level has not changed")
  }

  @Test func aLeaseThatEndsIsWritten() throws {
    let bench = GateBench([.actuator("vent", ActuatorSettings(safe: 1))])
    try bench.hardware.controlActuator("vent", .off, lease: .seconds(1), as: ann)
    try bench.hardware.controlActuator("vent", .on, as: ann)
    #expect(bench.backend.drive("vent", to: 0))
    try bench.hardware.controlActuator("vent", .off, lease: .seconds(1), as: ann)
    bench.wait(1000)
    #expect(bench.level("vent") == 1)
  }

  @Test func aRenewedLeaseIsWritten() throws {
    let bench = GateBench([.actuator("heater")])
    try bench.hardware.controlActuator("heater", .on, lease: .seconds(60), as: ann)
    try bench.backend.inject("heater", "brownout")
    #expect(bench.level("heater") == 0)
    let receipt = try bench.hardware.controlActuator("heater", .on, lease: .seconds(60), as: ann)
    #expect(bench.level("heater") == 1 && receipt.isConfirmed)
    #expect(bench.sink.of("device:changed").count == 1)
  }

  /// A repeated command is tried at once, and does not postpone the retries.
  @Test(arguments: [false, true]) func repeatedCommandsDoNotPostponeTheRetry(isStop: Bool) throws {
    let bench = GateBench([.actuator("heater")])
    try bench.hardware.controlActuator("heater", .on, lease: .seconds(60), as: ann)
    try bench.backend.inject("heater", ["fault": "nack", "for": "5s"])
    for _ in 0..<20 {
      if isStop {
        bench.hardware.stopEverything(by: "client/ada")
      } else {
        _ = failure { () throws(HALError) in try bench.hardware.controlActuator("heater", .off, as: ann) }
      }
      bench.wait(100)
    }
    #expect(bench.level("heater") == 1)
    // It works again after three seconds, and is retried at most three seconds later.
    bench.wait(6000)
    #expect(bench.level("heater") == 0 && bench.hardware.unsafeActuators.isEmpty)
  }

  /// A command under way during a brownout is lost and fails: it is retried.
  @Test func aBrownoutDropsACommandUnderWay() throws {
    let bench = GateBench([.actuator("heater", options: ["latency": "400ms", "power_on": 1])])
    bench.wait(1000)
    try bench.hardware.controlActuator("heater", .on, lease: .seconds(60), as: ann)
    bench.wait(1000)
    try bench.hardware.controlActuator("heater", .off, as: ann)
    bench.wait(100)
    try bench.backend.inject("heater", "brownout")
    #expect(bench.level("heater") == 1)
    bench.wait(2000)
    #expect(bench.level("heater") == 0 && bench.hardware.unsafeActuators.isEmpty)
    #expect(bench.clock.waiting == 0)
  }

  /// A write by another program does not undo a later command.
  @Test func anotherProgramWritesWhileACommandIsUnderWay() throws {
    let bench = GateBench([.actuator("heater", options: ["latency": "400ms"])])
    bench.wait(1000)
    bench.backend.interfere("heater", level: 1)
    try bench.hardware.controlActuator("heater", .off, as: ann)
    bench.backend.interfere("heater", level: 0.5)
    #expect(bench.level("heater") == 0.5)
    bench.wait(400)
    #expect(bench.level("heater") == 0)
  }

  @Test func aRepeatedOffDoesNotRestartMinOff() throws {
    let bench = GateBench([
      .actuator("pump", ActuatorSettings(minOff: .seconds(10), maxRate: Rate(count: 2, per: .seconds(60))))
    ])
    bench.wait(9000)
    for _ in 0..<5 { try bench.hardware.controlActuator("pump", .off, as: ann) }
    bench.wait(1000)
    try bench.hardware.controlActuator("pump", .on, as: ann)
    #expect(bench.level("pump") == 1)
  }

  @Test func aRefusedRepetitionIsRetriedAndReported() throws {
    let bench = GateBench([.actuator("heater")])
    #expect(bench.backend.drive("heater", to: 1))
    try bench.backend.inject("heater", ["fault": "nack", "for": "2s"])
    let refused = failure { () throws(HALError) in try bench.hardware.controlActuator("heater", .off, as: ann) }
    #expect(refused == .failed("heater", operation: "set", .noAcknowledge))
    #expect(bench.hardware.unsafeActuators == ["heater"] && bench.hardware.device("heater")?.state == "unknown")
    bench.wait(5000)
    #expect(bench.level("heater") == 0 && bench.hardware.unsafeActuators.isEmpty)
    #expect(bench.sink.of("device:recovered").count == 1)
  }

  /// Repeated "off" commands do not queue up behind a slow bus.
  @Test func onlyOneRepetitionIsUnderWay() throws {
    let bench = GateBench([.actuator("heater", options: ["latency": "1s"])])
    bench.wait(1000)
    let before = bench.backend.history(of: "heater").count
    for _ in 0..<1000 { try bench.hardware.controlActuator("heater", .off, as: ann) }
    bench.wait(5000)
    #expect(bench.backend.history(of: "heater").count == before + 1)
  }

  // MARK: Confirming

  @Test func aStopWaitsForSlowOutputs() throws {
    let bench = GateBench([.actuator("fan"), .actuator("heater", options: ["latency": "300ms"])])
    bench.wait(300)
    bench.hardware.stopEverything(by: "client/root")
    var answers: [[DeviceID]] = []
    bench.hardware.confirm(within: .seconds(2)) { answers.append($0.map(\.device)) }
    #expect(answers.isEmpty && bench.hardware.unsafeActuators == ["heater"])
    bench.wait(300)
    #expect(answers == [[]] && bench.hardware.unsafeActuators.isEmpty)
    bench.wait(5000)
    #expect(answers.count == 1 && bench.clock.waiting == 0)
  }

  @Test func aStopNamesUnconfirmedOutputs() throws {
    let bench = GateBench([.actuator("fan"), .actuator("heater", options: ["latency": "1h"]), .actuator("lamp")])
    try bench.backend.inject("lamp", "nack")
    bench.hardware.stopEverything(by: "client/root")
    var refusals: [Hardware.Refusal]?
    bench.hardware.confirm(within: .seconds(2)) { refusals = $0 }
    bench.wait(1999)
    #expect(refusals == nil)
    bench.wait(1)
    #expect(refusals?.map(\.device) == ["heater", "lamp"])
    #expect(refusals?.first?.why == .unavailable("heater", "the hardware has not confirmed it"))
    #expect(refusals?.last?.why == .failed("lamp", operation: "set", .noAcknowledge))
  }

  @Test func aReceiptSaysWhetherTheHardwareHasConfirmed() throws {
    let bench = GateBench([.actuator("fan", options: ["latency": "300ms"])])
    bench.wait(300)
    #expect(try !bench.hardware.controlActuator("fan", .on, as: ann).isConfirmed)
    #expect(bench.hardware.device("fan")?.reading?.quality == .suspect)
    bench.wait(300)
    #expect(bench.hardware.device("fan")?.reading?.quality == .good)
  }

  @Test func closingAnswersWaitingCallers() {
    let bench = GateBench([.actuator("fan", options: ["latency": "1h"])])
    var isAnswered = false
    bench.hardware.confirm(within: .seconds(100)) { _ in isAnswered = true }
    bench.hardware.close()
    #expect(isAnswered)
  }

  // MARK: Refreshing

  @Test func forgetfulOutputsAreRefreshed() throws {
    let bench = GateBench([
      .actuator("relay", ActuatorSettings(lease: .seconds(60)), options: ["forgets": true, "power_on": 1]),
      .actuator("valve", ActuatorSettings(lease: .seconds(60), refresh: .seconds(2)), options: ["forgets": true]),
      .actuator(
        "lamp", ActuatorSettings(lease: .seconds(60), refresh: .zero), options: ["forgets": true, "power_on": 1]),
    ])
    try bench.hardware.controlActuator("valve", .on, as: ann)
    for id: DeviceID in ["relay", "valve", "lamp"] { try bench.backend.inject(id, "brownout") }
    #expect(bench.level("relay") == 1 && bench.level("valve") == 0)
    bench.wait(2000)
    #expect(bench.level("valve") == 1)
    bench.wait(3000)
    #expect(bench.level("relay") == 0, "the gate believed it to be safe")
    #expect(bench.level("lamp") == 1, "'refresh: 0s' asks for nothing")
    #expect(bench.sink.of("device:reset").map(\.source) == ["valve", "relay"])
    bench.hardware.close()
    #expect(bench.clock.waiting == 0)
  }

  @Test func anOutputThatRefusesARefreshIsMadeSafe() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(lease: .seconds(60), refresh: .seconds(1)))])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.backend.inject("fan", ["fault": "nack", "for": "2s"])
    bench.wait(1000)
    #expect(bench.hardware.device("fan")?.holder == nil && bench.sink.of("device:fault").count == 1)
    bench.wait(10_000)
    #expect(bench.level("fan") == 0 && bench.reasons("fan") == ["command", "fault"])
  }
}

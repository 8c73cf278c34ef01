import HAL
import HALTestKit
import Model
import TestKit
import Testing

@Suite struct EmergencyStopTests {
  let ann = Principal.named("agent/ann")

  private func button(_ safe: Double = 0) -> GateBench {
    GateBench([
      .actuator("fan"), .actuator("brake", ActuatorSettings(safe: 1)), .actuator("lamp", ActuatorSettings(safe: safe)),
      .input("stop", InputSettings(edges: .falling, emergencyStop: true)),
    ])
  }

  @Test func anUnusedGateIsReleased() {
    weak var sink: RecordingSink?
    do {
      let bench = button()
      sink = bench.sink
      bench.hardware.close()
    }
    #expect(sink == nil)
  }

  @Test func aStopMakesEverythingSafeAndBlocksCommands() throws {
    let bench = button()
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    try bench.hardware.controlActuator("brake", .off, lease: .seconds(60), as: ann)
    #expect(bench.hardware.stopEverything(by: "client/root", reason: "smoke"))
    #expect(bench.level("fan") == 0 && bench.level("brake") == 1)
    #expect(bench.hardware.lease(of: "fan") == nil && bench.hardware.lease(of: "brake") == nil)
    #expect(bench.reasons("fan").last == "emergency-stop")
    let stop = try #require(bench.sink.of("system:emergency_stop").first)
    #expect(stop.priority == .emergency && stop["by"] == "client/root" && stop["reason"] == "smoke")
    #expect(bench.sink.of("device:changed").last?.cause == stop.id)
    for principal in [ann, .named("client/root"), .named("rule/r")] {
      let refused = failure { () throws(HALError) in
        try bench.hardware.controlActuator("fan", .on, as: principal, override: true)
      }
      guard case .limited("fan", "emergency_stop", _, nil) = refused else {
        Issue.record("\(principal.name): \(String(describing: refused))")
        continue
      }
      #expect(refused?.description.contains("by client/root") == true)
    }
    // Commands to the safe state are allowed.
    #expect(try bench.hardware.controlActuator("fan", .off, as: ann).state == 0)
    #expect(try bench.hardware.controlActuator("brake", .on, as: ann).state == 1)
  }

  @Test func clearingMovesNothing() throws {
    let bench = button()
    var told: [Bool] = []
    bench.hardware.onEmergencyStop = { told.append($0 != nil) }
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    #expect(try !bench.hardware.clearEmergencyStop(by: "client/root"))
    bench.hardware.stopEverything(by: "client/root")
    #expect(!bench.hardware.stopEverything(by: "client/eve"), "the second stop counts as new")
    #expect(bench.hardware.emergencyStop?.by == "client/root")
    #expect(try bench.hardware.clearEmergencyStop(by: "client/root"))
    bench.wait(120_000)
    #expect(bench.level("fan") == 0 && told == [true, false])
    #expect(bench.sink.of("system:emergency_stop").count == 1)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    #expect(bench.level("fan") == 1)
  }

  @Test func aButtonStopsAndHoldsUntilItIsReleased() throws {
    let bench = button()
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    // `edges` filters presses out of the events, but not out of stops.
    try bench.backend.inject("stop", ["active": true])
    #expect(bench.level("fan") == 0 && bench.hardware.emergencyStop?.by == "stop")
    #expect(bench.sink.of("input:stop").isEmpty)
    let held = failure { () throws(HALError) in try bench.hardware.clearEmergencyStop(by: "client/root") }
    #expect(held?.description == "'stop' is limited by emergency_stop: it is active")
    try bench.backend.inject("stop", ["active": false])
    #expect(bench.hardware.emergencyStop != nil, "releasing the button cleared the stop")
    #expect(try bench.hardware.clearEmergencyStop(by: "client/root"))
  }

  /// With debouncing, and for each selection of edges.
  @Test(arguments: InputSettings.Edges.allCases)
  func aDebouncedButtonStops(edges: InputSettings.Edges) throws {
    let settings = InputSettings(edges: edges, debounce: .milliseconds(20), emergencyStop: true)
    let bench = GateBench([.actuator("fan"), .input("stop", settings)])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    try bench.backend.inject("stop", ["press": "50ms"])
    bench.wait(19)
    #expect(bench.level("fan") == 1)
    bench.wait(1)
    #expect(bench.level("fan") == 0 && bench.hardware.emergencyStop?.by == "stop")
    bench.wait(1000)
    #expect(try bench.hardware.clearEmergencyStop(by: "client/root"))
  }

  @Test func anUnreadableButtonStops() throws {
    let bench = button()
    try bench.backend.inject("stop", "unplug")
    #expect(bench.hardware.emergencyStop?.reason == "it cannot be read")
    let held = failure { () throws(HALError) in try bench.hardware.clearEmergencyStop(by: "client/root") }
    guard case .limited("stop", "emergency_stop", _, _) = held else {
      Issue.record("cleared: \(String(describing: held))")
      return
    }
    try bench.backend.inject("stop", "none")
    #expect(try bench.hardware.clearEmergencyStop(by: "client/root"))
  }

  @Test func aButtonPressedAtTheStartStops() {
    let bench = GateBench([
      .actuator("fan"), .input("stop", InputSettings(emergencyStop: true), script: [["after": "0s", "active": true]]),
    ])
    bench.wait(1)
    #expect(bench.hardware.emergencyStop?.by == "stop")
  }

  @Test(arguments: ["pressed", "gone", "released"]) func safeModeListensToTheButtonFromTheStart(button: String) throws {
    let script: Value = button == "pressed" ? [["after": "0s", "active": true]] : []
    let bench = GateBench(
      [
        .actuator("fan"), .sensor("room"), .input("door"),
        .input("stop", InputSettings(emergencyStop: true), script: script),
      ], isInSafeMode: true)
    if button == "gone" { try bench.backend.inject("stop", "unplug") }
    bench.wait(1)
    let refused = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    #expect((refused == nil) == (button == "released"))
    #expect((bench.hardware.emergencyStop?.by == "stop") == (button != "released"))
    try bench.backend.inject("stop", ["active": true])
    #expect(bench.level("fan") == 0 && bench.hardware.emergencyStop?.by == "stop")
    // Other devices are not opened before safe mode is left.
    var readings: [Bool] = []
    func read() { bench.hardware.getSensorData("door", as: ann) { readings.append((try? $0.get()) != nil) } }
    read()
    bench.hardware.open()
    read()
    #expect(readings == [false, true])
  }

  /// For any sequence of commands: while a stop is in force no output is away from its safe state.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func nothingIsEverOnDuringAStop(seed: UInt64) throws {
    var random = SeededGenerator(seed)
    let bench = button(seed % 2 == 0 ? 1 : 0)
    let devices: [DeviceID] = ["fan", "brake", "lamp"]
    let commands: [ActuatorCommand] = [.on, .off, .level(1), .level(0), .pulse(.milliseconds(30))]
    for _ in 0..<300 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0: bench.hardware.stopEverything(by: "client/root")
      case 1: _ = try? bench.hardware.clearEmergencyStop(by: "client/root")
      case 2: try bench.backend.inject("stop", ["active": .bool(Bool.random(using: &random))])
      case 3: bench.wait(Int.random(in: 1...200, using: &random))
      default:
        _ = try? bench.hardware.controlActuator(
          devices.randomElement(using: &random)!, commands.randomElement(using: &random)!,
          lease: .milliseconds(Int.random(in: 1...500, using: &random)), as: ann, override: Bool.random(using: &random))
      }
      guard bench.hardware.emergencyStop != nil else { continue }
      for (device, safe) in zip(devices, [0, 1, seed % 2 == 0 ? 1 : 0] as [Double]) {
        #expect((bench.level(device) ?? safe) == safe, "\(device) moved")
      }
    }
  }
}

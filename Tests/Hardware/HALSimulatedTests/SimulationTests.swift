import HAL
import HALSimulated
import HALTestKit
import Model
import Testing

@Suite struct SimulationTests {
  @Test func aScriptWithoutADelayGivesTheInitialLevel() {
    let bench = GateBench([.input("leak", script: [["active": true], ["after": "1s", "active": false]])])
    bench.hardware.announceInputs()
    let level = bench.sink.of("input:leak")
    #expect(level.count == 1 && level.first?["active"] == true && level.first?["initial"] == true)
    bench.wait(1000)
    #expect(bench.sink.of("input:leak").last?["edge"] == "falling")
  }

  let ann = Principal.named("agent/ann")

  private func read(_ bench: GateBench, _ id: DeviceID) -> Result<Double, HALError> {
    var answer: Result<Double, HALError> = .failure(.unavailable(id, "no answer yet"))
    bench.hardware.getSensorData(id, as: ann) { answer = $0.map(\.value) }
    return answer
  }

  @Test func faultsByCountTimeAndUntilToldOtherwise() throws {
    let bench = GateBench([.sensor("t", SensorSettings(onDemand: true), model: ["model": "constant", "value": 5])])
    try bench.backend.inject("t", ["fault": "nack", "count": 2])
    for expected in [true, true, false] {
      bench.wait(200)
      #expect((read(bench, "t") == .failure(.failed("t", operation: "read", .noAcknowledge))) == expected)
    }
    try bench.backend.inject("t", ["fault": "checksum", "for": "1s"])
    bench.wait(999)
    #expect(read(bench, "t") == .failure(.failed("t", operation: "read", .checksum)))
    bench.wait(1)
    #expect(read(bench, "t") == .success(5))
    try bench.backend.inject("t", "unplug")
    bench.wait(100_000)
    #expect(read(bench, "t") == .failure(.failed("t", operation: "read", .absent("it is unplugged"))))
    try bench.backend.inject("t", "replug")
    #expect(read(bench, "t") == .success(5))
  }

  @Test func theBoardKeepsItsStateBetweenUses() throws {
    let bench = GateBench([.sensor("t"), .actuator("fan"), .actuator("slow", options: ["latency": "50ms"])])
    var taken: [String] = []
    bench.backend.onOutput = { taken.append("\($0) \($1)") }
    try bench.backend.inject("t", "unplug")
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.hardware.controlActuator("slow", .on, as: ann)
    bench.backend.abandon { $0 != "slow" }
    bench.wait(100)
    // The command under way to the slow output is lost; the other keeps its level until it is driven.
    #expect(taken == ["fan 1.0"])
    #expect(bench.backend.drive("fan", to: 0))
    try bench.backend.inject("slow", "nack")
    #expect(!bench.backend.drive("slow", to: 0))
    try bench.backend.inject("slow", "stuck")
    #expect(bench.backend.drive("slow", to: 0))
    #expect(taken == ["fan 1.0", "fan 0.0"])
    guard case .sensor(let sensor) = try bench.backend.open(.sensor("t")) else { return }
    sensor.measure { result in
      if case .success = result { Issue.record("it is still unplugged") }
    }
  }

  @Test func aStuckSensorRepeatsItsValue() throws {
    let bench = GateBench([
      .sensor("t", model: ["model": "script", "ramp": true, "steps": [["for": "10s", "value": 0], ["value": 10]]])
    ])
    bench.wait(3000)
    try bench.backend.inject("t", "stuck")
    bench.wait(4000)
    #expect(read(bench, "t") == .success(3))
    try bench.backend.inject("t", "none")
    bench.wait(100)
    #expect(read(bench, "t") == .success(7.1))
  }

  @Test func outputsRecordLevelsAndInfluenceModels() throws {
    let bench = GateBench([
      .actuator("lamp", options: ["latency": "30ms"]),
      .sensor("light", model: ["model": "constant", "value": 100, "influences": ["lamp": 50]]),
    ])
    bench.wait(1000)
    try bench.hardware.controlActuator("lamp", .level(0.5), as: ann)
    let asked = bench.clock.now
    #expect(read(bench, "light") == .success(100))
    bench.wait(130)
    #expect(read(bench, "light") == .success(125))
    #expect(bench.backend.history(of: "lamp").last == OutputChange(at: asked + .milliseconds(30), level: 0.5))
  }

  @Test func theHistoryIsBounded() throws {
    let bench = GateBench([.actuator("lamp")])
    for index in 0..<2500 { try bench.hardware.controlActuator("lamp", index % 2 == 0 ? .on : .off, as: ann) }
    #expect((700...1024).contains(bench.backend.history(of: "lamp").count))
  }

  @Test func aScriptRepeats() {
    let bench = GateBench([
      .input("door", script: [["after": "6s", "press": "400ms"], ["after": "13600ms"], "repeat"])
    ])
    bench.wait(50_000)
    let presses = bench.sink.of("input:door").filter { $0["active"] == true }
    #expect(presses.map { ($0.monotonic - 1_000_000_000) / 1_000_000 } == [6000, 26000, 46000])
  }

  @Test func manualControlOverridesTheScript() throws {
    let bench = GateBench([.input("door", script: [["after": "1s", "active": true]])])
    try bench.backend.inject("door", ["active": false])
    bench.wait(2000)
    #expect(bench.sink.events.isEmpty)
    try bench.backend.inject("door", ["active": nil])
    #expect(bench.sink.of("input:door").count == 1)
  }

  private let door = InputSettings(debounce: .milliseconds(20))

  @Test func aBounceIsOneEdge() throws {
    let bench = GateBench([.input("door", door)])
    // It bounces for 5 ms, then stays active.
    for active in [true, false, true, false, true] {
      try bench.backend.inject("door", ["active": .bool(active)])
      bench.wait(1)
    }
    bench.wait(18)
    #expect(bench.sink.of("input:door").isEmpty)
    #expect(try bench.hardware.latestReading("door", as: ann).value == 0, "the level is not the debounced one")
    bench.wait(1)
    let edge = try #require(bench.sink.of("input:door").first)
    #expect(edge["active"] == true && edge["sequence"] == 1)
    // 20 ms after the last bounce, as in the kernel.
    #expect(edge["kernel_ns"]?.int == Int64(edge.monotonic))
    #expect(try bench.hardware.latestReading("door", as: ann).value == 1)
    try bench.backend.inject("door", ["active": false])
    bench.wait(100)
    #expect(bench.sink.of("input:door").map { $0["sequence"] } == [1, 2])
  }

  @Test func aPressThatIsTooShortIsIgnored() throws {
    let bench = GateBench([.input("door", door)])
    try bench.backend.inject("door", ["press": "19ms"])
    bench.wait(1000)
    #expect(bench.sink.events.isEmpty)
    try bench.backend.inject("door", ["press": "21ms"])
    bench.wait(1000)
    #expect(bench.sink.of("input:door").map { $0["active"] } == [true, false])
  }

  @Test func aBounceBeforeARemovalIsDropped() throws {
    let bench = GateBench([.input("door", door)])
    try bench.backend.inject("door", ["active": true])
    try bench.backend.inject("door", "unplug")
    bench.wait(100)
    #expect(bench.sink.of("input:door").isEmpty)
    try bench.backend.inject("door", "none")
    // The level on return is no edge.
    #expect(try bench.hardware.latestReading("door", as: ann).value == 1)
    bench.wait(100)
    #expect(bench.sink.of("input:door").isEmpty)
  }

  @Test func theSameSeedGivesTheSamePictures() throws {
    let scene: Value = ["objects": [["after": "100ms", "for": "2s"]]]
    func frames(_ seed: UInt64) throws -> [[UInt8]] {
      let settings = CameraSettings(format: FrameFormat(pixels: .yuyv, width: 32, height: 24, rate: 10))
      let bench = GateBench([.camera("cam", settings, scene: scene)], seed: seed)
      var result: [[UInt8]] = []
      _ = try bench.hardware.getCameraStream("cam", as: ann) { frame in
        result.append(frame.bytes)
        return true
      }
      bench.wait(500)
      return result
    }
    let (one, again, other) = (try frames(1), try frames(1), try frames(2))
    #expect(one.count == 5 && one == again && one != other)
    #expect(one.allSatisfy { $0.count == 32 * 24 * 2 } && Set(one).count == 5)
  }

  @Test func aStillSceneHasNoise() throws {
    let settings = CameraSettings(format: FrameFormat(pixels: .grey, width: 64, height: 48, rate: 10))
    let (noisy, still) = (
      GateBench([.camera("cam", settings, scene: ["noise": 4])]),
      GateBench([.camera("cam", settings, scene: ["noise": 0])])
    )
    var frames: [[Frame]] = [[], []]
    for (index, bench) in [noisy, still].enumerated() {
      _ = try bench.hardware.getCameraStream("cam", as: ann) { frame in
        frames[index].append(frame)
        return true
      }
      bench.wait(300)
    }
    #expect(Set(frames[1].map(\.bytes)).count == 1 && Set(frames[0].map(\.bytes)).count == 3)
    let differences = zip(frames[0][0].bytes, frames[1][0].bytes).map { Int($0) - Int($1) }
    #expect(differences.allSatisfy { (-4...4).contains($0) } && Set(differences).count == 9)
    #expect(abs(differences.reduce(0, +)) < differences.count / 4)
  }

  /// A stop button that cannot be read, for any reason, begins an emergency stop.
  @Test(arguments: ["nack", "timeout", "checksum", "unplug"]) func anInputThatCannotBeReadIsGone(fault: String) throws {
    let bench = GateBench([.actuator("fan"), .input("stop", InputSettings(emergencyStop: true)), .input("door")])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    for device in ["stop", "door"] as [DeviceID] {
      try bench.backend.inject(device, ["fault": .string(fault), "for": "5s"])
    }
    #expect(bench.level("fan") == 0 && bench.hardware.emergencyStop?.by == "stop")
    #expect(bench.sink.of("device:lost").map(\.source) == ["stop", "door"])
    #expect(bench.hardware.device("door")?.state == "gone" && bench.hardware.device("door")?.fault != nil)
    bench.wait(5000)
    #expect(bench.sink.of("device:back").count == 2 && bench.hardware.device("door")?.state == "inactive")
    #expect(throws: Never.self) { try bench.hardware.clearEmergencyStop(by: "client/root") }
  }

  @Test func aStuckInputKeepsItsLevel() throws {
    let bench = GateBench([.input("door")])
    bench.hardware.announceInputs()
    try bench.backend.inject("door", "stuck")
    try bench.backend.inject("door", ["active": true])
    #expect(bench.hardware.device("door")?.state == "inactive" && bench.sink.of("input:door").count == 1)
    try bench.backend.inject("door", "none")
    #expect(bench.hardware.device("door")?.state == "active" && bench.sink.of("input:door").count == 2)
  }

  /// Faults without an effect are refused.
  @Test func faultsThatDoNotApplyAreRefused() {
    let bench = GateBench([.sensor("t"), .input("door"), .actuator("fan"), .camera("cam")])
    let wrong: [(DeviceID, Value, String)] = [
      ("door", "slow", "an input cannot be slow"), ("door", ["fault": "nack", "count": 1], "use 'for' instead"),
      ("door", "brownout", "only actuators have brownouts"), ("t", "brownout", "only actuators have brownouts"),
      ("cam", "brownout", "only actuators have brownouts"),
      ("cam", ["fault": "unplug", "count": 1], "comes back after 'for'"),
      ("fan", ["fault": "unplug", "count": 1], "comes back after 'for'"),
    ]
    for (id, change, expected) in wrong {
      let error = failure { () throws(HALError) in try bench.backend.inject(id, change) }
      #expect("\(error.map(\.description) ?? "none")".contains(expected), "\(id)")
    }
  }

  @Test func wrongChangesAreExplained() throws {
    let bench = GateBench([.sensor("t"), .input("door"), .actuator("fan")])
    let wrong: [(DeviceID, Value, String)] = [
      ("doors", ["active": true], "did you mean 'door'"), ("t", ["active": true], "{value: 21.5}"),
      ("t", "nak", "did you mean 'nack'"), ("t", ["fault": "nack", "count": 0], "whole number"),
      ("t", ["fault": "nack", "cont": 1], "did you mean 'count'"), ("t", ["value": "hot"], "must be a number"),
      ("door", ["press": 0], "duration"), ("door", ["active": 1], "true, false"), ("fan", 5, "expected {fault"),
    ]
    for (id, change, expected) in wrong {
      let error = failure { () throws(HALError) in try bench.backend.inject(id, change) }
      #expect("\(error.map(\.description) ?? "none")".contains(expected))
    }
  }

  @Test(
    arguments: [
      (["repeat"], "at least 10ms"), (["repeat", ["after": "1s"]], "must come last"),
      ([["aftr": "1s"]], "did you mean 'after'"), ([["after": "soon"]], "duration"), ("press", "must be a list"),
    ] as [(Value, String)])
  func wrongScriptsSayWhere(script: Value, expected: String) {
    let bench = GateBench([.input("door", script: script)])
    let fault = bench.sink.of("device:fault").first?["fault"]?.string ?? "none"
    #expect(fault.contains(expected), "\(fault)")
  }
}

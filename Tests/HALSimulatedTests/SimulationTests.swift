import HAL
import HALSimulated
import HALTestKit
import Model
import Testing

@Suite struct SimulationTests {
  let ann = Principal.named("agent/ann")

  private func read(_ bench: Bench, _ id: DeviceID) -> Result<Double, HALError> {
    var answer: Result<Double, HALError> = .failure(.unavailable(id, "no answer yet"))
    bench.hardware.getSensorData(id, as: ann) { answer = $0.map(\.value) }
    return answer
  }

  @Test func faultsByCountTimeAndUntilToldOtherwise() throws {
    let bench = Bench([.sensor("t", model: ["model": "constant", "value": 5])])
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
    #expect(read(bench, "t") == .failure(.failed("t", operation: "read", .gone)))
    try bench.backend.inject("t", "replug")
    #expect(read(bench, "t") == .success(5))
  }

  @Test func theBoardOutlivesWhoUsesIt() throws {
    let bench = Bench([.sensor("t"), .actuator("fan"), .actuator("slow", options: ["latency": "50ms"])])
    var taken: [String] = []
    bench.backend.onOutput = { taken.append("\($0) \($1)") }
    try bench.backend.inject("t", "unplug")
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.hardware.controlActuator("slow", .on, as: ann)
    bench.backend.abandon { $0 != "slow" }
    bench.wait(100)
    // What was on its way to the slow one is lost; the other stays as it is until somebody else drives it.
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

  @Test func aStuckSensorGoesOnSayingTheSame() throws {
    let bench = Bench([
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

  @Test func outputsRememberAndInfluence() throws {
    let bench = Bench([
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
    let bench = Bench([.actuator("lamp")])
    for index in 0..<2500 { try bench.hardware.controlActuator("lamp", index % 2 == 0 ? .on : .off, as: ann) }
    #expect((700...1024).contains(bench.backend.history(of: "lamp").count))
  }

  @Test func aScriptThatRepeats() {
    let bench = Bench([
      .input("door", script: [["after": "6s", "press": "400ms"], ["after": "13600ms"], "repeat"])
    ])
    bench.wait(50_000)
    let presses = bench.sink.of("input:door").filter { $0["active"] == true }
    #expect(presses.map { ($0.monotonic - 1_000_000_000) / 1_000_000 } == [6000, 26000, 46000])
  }

  @Test func aFingerBeatsTheScript() throws {
    let bench = Bench([.input("door", script: [["after": "1s", "active": true]])])
    try bench.backend.inject("door", ["active": false])
    bench.wait(2000)
    #expect(bench.sink.events.isEmpty)
    try bench.backend.inject("door", ["active": nil])
    #expect(bench.sink.of("input:door").count == 1)
  }

  @Test func theSameSeedGivesTheSamePictures() throws {
    let scene: Value = ["objects": [["after": "100ms", "for": "2s"]]]
    func frames(_ seed: UInt64) throws -> [[UInt8]] {
      let settings = CameraSettings(format: FrameFormat(pixels: .yuyv, width: 32, height: 24, rate: 10))
      let bench = Bench([.camera("cam", settings, scene: scene)], seed: seed)
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

  @Test func aStillSceneIsNoisyAroundItself() throws {
    let settings = CameraSettings(format: FrameFormat(pixels: .grey, width: 64, height: 48, rate: 10))
    let (noisy, still) = (
      Bench([.camera("cam", settings, scene: ["noise": 4])]), Bench([.camera("cam", settings, scene: ["noise": 0])])
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

  @Test func wrongChangesAreExplained() throws {
    let bench = Bench([.sensor("t"), .input("door"), .actuator("fan")])
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
    let bench = Bench([.input("door", script: script)])
    let fault = bench.sink.of("device:fault").first?["fault"]?.string ?? "none"
    #expect(fault.contains(expected), "\(fault)")
  }
}

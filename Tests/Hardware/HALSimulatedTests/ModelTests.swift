import Glibc
import HAL
import HALSimulated
import HALTestKit
import Model
import Testing

@Suite struct SensorModelTests {
  let ann = Principal.named("agent/ann")
  private let thermal: Value = [
    "model": "thermal", "ambient": 22, "start": 28, "time_constant": "20s", "sunlight": 60,
    "heaters": ["lamp": 30], "coolers": ["ice": 90], "ventilation": ["fan": 4],
  ]
  private var devices: [Device] {
    [.sensor("t", model: thermal), .actuator("lamp"), .actuator("ice"), .actuator("fan")]
  }

  private func read(_ bench: GateBench, _ id: DeviceID = "t") -> Double {
    var value = Double.nan
    bench.hardware.getSensorData(id, as: ann) { if case .success(let reading) = $0 { value = reading.value } }
    return value
  }

  /// x(t) = target + (x0 - target) e^(-t / tau)
  private func approach(_ start: Double, _ target: Double, _ tau: Double, _ time: Double) -> Double {
    target + (start - target) * exp(-time / tau)
  }

  @Test func temperatureFollowsTheClosedForm() throws {
    let bench = GateBench(devices)
    #expect(read(bench) == 28)
    bench.wait(3000)
    // Sunlight of 1 °C/s against a loss of 1/20 per second: equilibrium 20 °C above ambient.
    var expected = approach(28, 42, 20, 3)
    #expect(abs(read(bench) - expected) < 1e-9)
    try bench.hardware.controlActuator("lamp", .level(0.5), lease: .seconds(100), as: ann)
    bench.wait(2500)
    expected = approach(expected, 42 + 0.25 * 20, 20, 2.5)
    #expect(abs(read(bench) - expected) < 1e-9)
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(100), as: ann)
    bench.wait(4000)
    expected = approach(expected, 22 + 1.25 * 4, 4, 4)
    #expect(abs(read(bench) - expected) < 1e-9)
    try bench.hardware.controlActuator("ice", .on, lease: .seconds(100), as: ann)
    bench.wait(60000)
    #expect(abs(read(bench) - (22 + (1.25 - 1.5) * 4)) < 1e-4)
  }

  @Test func readingOftenChangesNothing() throws {
    let (often, seldom) = (GateBench(devices), GateBench(devices))
    for step in 0..<100 {
      if step == 40 {
        for bench in [often, seldom] { try bench.hardware.controlActuator("fan", .on, lease: .seconds(100), as: ann) }
      }
      often.wait(100)
      _ = read(often)
      seldom.wait(100)
    }
    #expect(abs(read(often) - read(seldom)) < 1e-9)
  }

  @Test func lagAndLimits() throws {
    let bench = GateBench([
      .sensor(
        "soil",
        model: ["model": "lag", "base": 20, "start": 30, "time_constant": 10, "influences": ["pump": 200], "max": 60]),
      .actuator("pump"),
    ])
    bench.wait(10000)
    #expect(abs(read(bench, "soil") - approach(30, 20, 10, 10)) < 1e-9)
    try bench.hardware.controlActuator("pump", .on, lease: .seconds(60), as: ann)
    bench.wait(50000)
    #expect(read(bench, "soil") == 60)
  }

  @Test func scriptsHoldRampAndRepeat() {
    let steps: Value = [["for": "2s", "value": 10], ["for": "3s", "value": 40]]
    let bench = GateBench([
      .sensor("held", model: ["model": "script", "steps": steps, "repeat": true]),
      .sensor("ramp", model: ["model": "script", "steps": steps, "repeat": true, "ramp": true]),
      .sensor("once", model: ["model": "script", "steps": [["at": 1, "value": 5], ["at": 3, "value": 6]]]),
    ])
    bench.wait(1000)
    #expect(read(bench, "held") == 10 && read(bench, "ramp") == 25 && read(bench, "once") == 5)
    bench.wait(2500)
    #expect(read(bench, "held") == 40 && read(bench, "ramp") == 25 && read(bench, "once") == 6)
    bench.wait(2500)
    #expect(read(bench, "held") == 10 && read(bench, "ramp") == 25)
  }

  @Test func sineAndNoiseAreTheSameForTheSameSeed() {
    let model: Value = ["model": "sine", "mean": 50, "amplitude": 10, "period": "8s", "noise": 1]
    func series(_ seed: UInt64) -> [Double] {
      let bench = GateBench([.sensor("x", model: model)], seed: seed)
      return (0..<50).map { _ in
        bench.wait(1000)
        return read(bench, "x")
      }
    }
    let (one, again, other) = (series(1), series(1), series(2))
    #expect(one == again && one != other)
    let mean = one.reduce(0, +) / 50
    #expect(abs(mean - 50) < 3)
    #expect(one.allSatisfy { (33...67).contains($0) })
  }

  @Test(
    arguments: [
      (["model": "therml"], "did you mean 'thermal'"),
      (["model": "thermal", "heters": [:]], "did you mean 'heaters'"),
      (["model": "thermal", "heaters": ["lmap": 1]], "did you mean 'lamp'"),
      (["model": "thermal", "time_constant": "0s"], "longer than zero"),
      (["model": "thermal", "start": "warm"], "model.start must be a number"),
      (["model": "lag"], "model.base is missing"),
      (["model": "constant", "value": 1, "min": 2, "max": 1], "above"),
      (["model": "script", "steps": []], "at least one"),
      (["model": "script", "steps": [["value": 1]], "repeat": true], "as long as its steps"),
      (["model": "script", "steps": [["at": "5s", "value": 1], ["at": "2s", "value": 1]]], "model.steps[1].at"),
      (["model": "sine", "period": "0s"], "model.period"),
    ] as [(Value, String)])
  func wrongModelsSayWhere(model: Value, expected: String) {
    let bench = GateBench([.sensor("t", model: model), .actuator("lamp")])
    let fault = bench.sink.of("device:fault").first?["fault"]?.string ?? "none"
    #expect(fault.contains(expected), "\(fault)")
    // A wrong board file is not retried.
    #expect(bench.clock.waiting == 0)
  }
}

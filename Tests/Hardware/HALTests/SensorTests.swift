import HAL
import HALTestKit
import Model
import Testing

@Suite struct SensorTests {
  let ann = Principal.named("agent/ann")
  private let ramp: Value = [
    "model": "script", "ramp": true, "steps": [["for": "100s", "value": 0], ["value": 100]],
  ]

  @Test func tenCallersCostOneTransfer() throws {
    let bench = GateBench([
      .sensor("t", SensorSettings(onDemand: true), model: ["model": "constant", "value": 21, "unit": "°C"])
    ])
    try bench.backend.inject("t", ["fault": "slow", "delay": "50ms"])
    var readings: [Reading] = []
    for _ in 0..<10 {
      bench.hardware.getSensorData("t", as: ann) { if case .success(let reading) = $0 { readings.append(reading) } }
      bench.wait(3)
    }
    #expect(readings.isEmpty)
    bench.wait(20)
    #expect(readings.count == 10)
    #expect(Set(readings).count == 1 && readings[0].value == 21 && readings[0].unit == "°C")
    try bench.backend.inject("t", "none")
    try bench.backend.inject("t", ["value": 22])
    // Young enough to be reused, then not.
    var last = 0.0
    bench.wait(99)
    bench.hardware.getSensorData("t", as: ann) { if case .success(let reading) = $0 { last = reading.value } }
    #expect(last == 21)
    bench.wait(1)
    bench.hardware.getSensorData("t", as: ann) { if case .success(let reading) = $0 { last = reading.value } }
    #expect(last == 22)
  }

  @Test func latestNeverMeasures() throws {
    let bench = GateBench([
      .sensor("t", SensorSettings(every: .seconds(1), scale: 2, offset: 1, onDemand: true), model: ramp)
    ])
    let none = failure { () throws(HALError) in try bench.hardware.latestReading("t", as: ann) }
    guard case .unavailable = none else { Issue.record("\(String(describing: none))"); return }
    bench.wait(10000)
    bench.hardware.getSensorData("t", as: ann) { _ in }
    #expect(try bench.hardware.latestReading("t", as: ann).value == 21)
    bench.wait(4000)
    #expect(try bench.hardware.latestReading("t", as: ann).quality == .good)
    bench.wait(1)
    let old = try bench.hardware.latestReading("t", as: ann)
    #expect(old.value == 21 && old.quality == .stale)
  }

  @Test func refusals() {
    let bench = GateBench([.sensor("temperature")])
    var results: [HALError] = []
    let guest = Principal(name: "agent/guest", permissions: Permissions())
    bench.hardware.getSensorData("temprature", as: ann) { if case .failure(let error) = $0 { results.append(error) } }
    bench.hardware.getSensorData("temperature", as: guest) {
      if case .failure(let error) = $0 { results.append(error) }
    }
    #expect(
      results == [
        .notFound("temprature", kind: "sensor", suggestion: "temperature"),
        .denied("temperature", operation: "read", principal: "agent/guest"),
      ])
  }

  @Test func aSensorIsMeasuredWithoutSubscribers() throws {
    let bench = GateBench([.sensor("t", SensorSettings(every: .seconds(2)), model: ramp)])
    bench.wait(0)
    #expect(bench.hardware.device("t")?.state == "0")
    bench.wait(9000)
    let seen = try bench.hardware.latestReading("t", as: ann)
    #expect(seen.value == 8 && seen.quality == .good)
    #expect(bench.sink.events.isEmpty && bench.clock.waiting == 1)
    // A subscriber gets the first reading at once, and nothing is published after the last one has left.
    let subscription = try bench.hardware.subscribe("t")
    bench.wait(0)
    #expect(bench.sink.of("sensor:t").map { $0["value"] } == [9.0])
    bench.hardware.unsubscribe(subscription)
    bench.wait(10_000)
    #expect(bench.sink.of("sensor:t").count == 1)
    #expect(try bench.hardware.latestReading("t", as: ann).quality == .good)
  }

  @Test func anUnmeasuredSensorSaysWhy() throws {
    let slow = SensorSettings(onDemand: true)
    let bench = GateBench([.sensor("asked", slow), .sensor("broken"), .sensor("new")])
    try bench.backend.inject("broken", "nack")
    func state(_ id: DeviceID) -> String? { bench.hardware.device(id)?.state }
    #expect(state("new") == "not measured: its first measurement is under way")
    bench.wait(1)
    #expect(state("asked") == "not measured: it is measured on demand, and nobody has asked")
    #expect(state("broken") == "not measured: no acknowledge: nothing answers at its address")
    #expect(bench.hardware.device("new")?.reading != nil)
    let unopened = GateBench([.sensor("t"), .input("door")], isInSafeMode: true)
    let why = "it is not open: safe mode opens outputs only"
    #expect(unopened.hardware.device("t")?.state == "not measured: \(why)")
    #expect(unopened.hardware.device("door")?.state == "not open" && unopened.hardware.device("door")?.fault == why)
  }

  @Test func anOnDemandSensorIsNotPolledWithoutSubscribers() throws {
    let bench = GateBench([.sensor("t", SensorSettings(onDemand: true), model: ramp), .input("door")])
    bench.wait(10000)
    #expect(bench.clock.waiting == 0 && bench.sink.events.isEmpty)
    let subscription = try bench.hardware.subscribe("t")
    bench.wait(3500)
    #expect(bench.sink.of("sensor:t").count == 4)
    #expect(bench.clock.waiting == 1)
    bench.hardware.unsubscribe(subscription)
    bench.hardware.unsubscribe(subscription)
    bench.wait(10000)
    #expect(bench.clock.waiting == 0 && bench.sink.of("sensor:t").count == 4)
  }

  @Test func theFastestSubscriberSetsThePace() throws {
    let bench = GateBench([.sensor("t", SensorSettings(every: .seconds(2), onDemand: true), model: ramp)])
    let slow = try bench.hardware.subscribe("t")
    bench.wait(4000)
    #expect(bench.sink.of("sensor:t").count == 3)
    let fast = try bench.hardware.subscribe("t", every: .milliseconds(100))
    bench.wait(1000)
    #expect(bench.sink.of("sensor:t").count == 13)
    #expect(bench.clock.waiting == 1)
    bench.hardware.unsubscribe(fast)
    bench.wait(4000)
    #expect((14...16).contains(bench.sink.of("sensor:t").count))
    bench.hardware.unsubscribe(slow)
    #expect(bench.clock.waiting == 0)
  }

  @Test func theDeadbandHoldsBackAndTheHeartbeatDoesNot() throws {
    let bench = GateBench([.sensor("t", SensorSettings(deadband: 2, heartbeat: .seconds(30)), model: ramp)])
    _ = try bench.hardware.subscribe("t")
    bench.wait(6000)
    let events = bench.sink.of("sensor:t")
    #expect(events.map { $0["value"]?.double } == [0, 2, 4, 6])
    #expect(events.map { $0["previous"] } == [.null, 0.0, 2.0, 4.0])
    #expect(events[1]["quality"] == "good" && events[1].source == "t")
    try bench.backend.inject("t", ["value": 6])
    bench.wait(29000)
    #expect(bench.sink.of("sensor:t").count == 4)
    bench.wait(1000)
    #expect(bench.sink.of("sensor:t").count == 5)
  }

  @Test func aFailingSensorIsReportedOnceAndPolledLess() throws {
    let bench = GateBench([.sensor("t", model: ramp)])
    _ = try bench.hardware.subscribe("t")
    bench.wait(2000)
    try bench.backend.inject("t", "nack")
    bench.wait(200_000)
    let faults = bench.sink.of("device:fault")
    #expect(faults.count == 1 && faults[0].source == "t")
    #expect(faults[0]["fault"]?.string?.contains("no acknowledge") == true)
    #expect(try bench.hardware.latestReading("t", as: ann).quality == .stale)
    try bench.backend.inject("t", "none")
    bench.sink.clear()
    // It is found again within 30 s, then polled at the old pace.
    bench.wait(30_000)
    #expect(bench.sink.of("device:recovered").count == 1)
    let found = bench.sink.events.count
    bench.wait(5000)
    #expect(bench.sink.of("sensor:t").count >= 1 && bench.sink.events.count - found <= 5)
    #expect(try bench.hardware.latestReading("t", as: ann).quality == .good)
  }

  @Test func backOffDoublesUpToThirtySeconds() throws {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let backend = Silent(clock)
    let board = Board(name: "b", backend: .linux, devices: [.sensor("t")])
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open()
    _ = try hardware.subscribe("t")
    clock.advance(by: .seconds(125))
    let gaps = zip(backend.sensor.times, backend.sensor.times.dropFirst()).map { $1 - $0 }
    #expect(gaps == [2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
  }

  @Test func aSilentDriverDelaysNobody() throws {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let backend = Silent(clock)
    backend.sensor.isMute = true
    let board = Board(name: "b", backend: .linux, devices: [.sensor("t")])
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open()
    var results: [Result<Reading, HALError>] = []
    hardware.getSensorData("t", as: ann) { results.append($0) }
    clock.advance(by: .seconds(10))
    #expect(results == [.failure(.failed("t", operation: "read", .timeout))])
    hardware.getSensorData("t", as: ann) { results.append($0) }
    #expect(results.count == 2 && backend.sensor.times.count == 1)
    // The late answer.
    backend.sensor.pending?(.success(Measurement(4)))
    #expect(sink.of("device:recovered").count == 1)
    #expect(try hardware.latestReading("t", as: ann).value == 4)
  }

  @Test func aReadingThatIsNotANumberIsAFault() throws {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let backend = Silent(clock)
    backend.sensor.isMute = true
    let board = Board(name: "b", backend: .linux, devices: [.sensor("t")])
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open()
    hardware.getSensorData("t", as: ann) { _ in }
    backend.sensor.pending?(.success(Measurement(.nan)))
    #expect(sink.of("device:fault").count == 1)
  }
}

/// A layer with one sensor that fails, or never answers.
private final class Silent: Backend {
  final class Sensor: SensorDriver {
    let unit = ""
    var isMute = false
    var times: [Instant] = []
    var pending: ((Result<Measurement, HALError.Fault>) -> Void)?
    let clock: any Timekeeper

    init(_ clock: any Timekeeper) { self.clock = clock }

    func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
      times.append(clock.now)
      if isMute { pending = done } else { done(.failure(.noAcknowledge)) }
    }
  }

  let sensor: Sensor

  init(_ clock: any Timekeeper) { sensor = Sensor(clock) }
  func open(_ device: Device) throws(HALError) -> OpenDevice { .sensor(sensor) }
  func close() {}
}

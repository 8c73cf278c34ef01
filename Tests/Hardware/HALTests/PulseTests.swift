import HALTestKit
import Model
import Testing

@testable import HAL

/// Inputs that count.
@Suite struct PulseTests {
  let ann = Principal.named("agent/ann")

  private func bench(_ count: CountSettings = CountSettings(unit: "L", perPulse: 0.5)) -> GateBench {
    GateBench([.input("water", InputSettings(edges: .falling, count: count)), .input("door")])
  }

  private func pulse(_ bench: GateBench, _ times: Int = 1, every milliseconds: Int = 1000) throws {
    for _ in 0..<times {
      try bench.backend.inject("water", ["active": true])
      bench.wait(milliseconds / 2)
      try bench.backend.inject("water", ["active": false])
      bench.wait(milliseconds - milliseconds / 2)
    }
  }

  private func value(_ bench: GateBench, _ id: DeviceID) -> Double? { try? bench.hardware.newestGood(id).value }

  @Test func anInputHasTwoSensorsMore() throws {
    let bench = bench()
    #expect(bench.hardware.board.devices.map(\.id) == ["water", "water.rate", "water.total", "door"])
    bench.wait(0)
    #expect(bench.hardware.device("water.rate")?.state == "0 L/min")
    #expect(bench.hardware.device("water.total")?.state == "0 L")
    try pulse(bench, 10)
    bench.wait(1)
    #expect(bench.hardware.device("water.total")?.state == "5 L")
    // Half a litre a second.
    #expect(bench.hardware.device("water.rate")?.state == "30 L/min")
    var read: [Double] = []
    bench.hardware.getSensorData("water.total", as: ann) {
      if case .success(let reading) = $0 { read = [reading.value] }
    }
    #expect(read == [5])
  }

  @Test func changesAreEvents() throws {
    let bench = bench()
    for id in ["water.rate", "water.total"] { _ = try bench.hardware.subscribe(DeviceID(id)) }
    bench.wait(5000)
    #expect(bench.sink.of("sensor:water.total").map { $0["value"] } == [0.0])
    try pulse(bench, 3)
    bench.wait(120_000)
    #expect(bench.sink.of("sensor:water.total").map { $0["value"]?.double } == [0, 0.5, 1, 1.5])
    #expect(bench.sink.of("sensor:water.total").last?["unit"] == "L")
    #expect(bench.sink.of("sensor:water.rate").last?["value"] == 0.0)
  }

  @Test func theRateFallsWhenPulsesCease() throws {
    let bench = bench(CountSettings(window: .seconds(60)))
    try pulse(bench, 20)
    #expect(value(bench, "water.rate") == 60)
    var last = 60.0
    for _ in 0..<57 {
      bench.wait(1000)
      let rate = try #require(value(bench, "water.rate"))
      #expect(rate > 0 && rate <= last)
      last = rate
    }
    #expect(last < 1.1)
    bench.wait(3000)
    #expect(value(bench, "water.rate") == 0 && value(bench, "water.total") == 20)
  }

  @Test func aSlowMeterHasTheRateOfItsLastPulses() throws {
    let bench = bench(CountSettings(perPulse: 1, window: .seconds(60)))
    try pulse(bench, 1, every: 20_000)
    #expect(value(bench, "water.rate") == 1, "one pulse in a minute, at most")
    try pulse(bench, 3, every: 20_000)
    bench.wait(1)
    #expect(value(bench, "water.rate") == 3)
  }

  @Test func aFastMeterNeedsLittleMemory() {
    let counter = PulseCounter(CountSettings(window: .seconds(60)))
    var now = Instant(nanoseconds: 1)
    for _ in 0..<100_000 {
      now = now + .milliseconds(5)
      counter.add(at: now)
    }
    #expect(counter.markCount <= 130 && counter.total == 100_000)
    #expect(abs(counter.rate(at: now) - 12_000) < 1)
  }

  /// A rate is never negative, infinite or no number, whatever the times of the pulses.
  @Test(arguments: UInt64(1)...50) func ratesAreSane(seed: UInt64) {
    var state = seed
    let counter = PulseCounter(CountSettings(perPulse: 0.1, window: .seconds(10)))
    var now = Instant(nanoseconds: 0)
    for _ in 0..<500 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      switch state >> 60 {
      case 0...3: counter.add(at: now)
      case 4: counter.add(state >> 40 & 7, at: now)
      case 5: counter.recall(3)
      case 6: now = now + .seconds(8)
      default: now = now + .milliseconds(Int64(state >> 50 & 0x3FF))
      }
      let rate = counter.rate(at: now + .milliseconds(1))
      #expect(rate.isFinite && rate >= 0)
    }
  }

  @Test func lostEdgesAreCountedByTheirNumber() {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let backend = Line()
    let device = Device.input("water", InputSettings(count: CountSettings()))
    let hardware = Hardware(
      board: Board(name: "b", backend: .linux, devices: [device]), backend: backend, clock: clock, events: sink)
    hardware.open()
    func total() -> Double? {
      var total: Double?
      clock.advance(by: .seconds(1))
      hardware.getSensorData("water.total", as: ann) { if case .success(let reading) = $0 { total = reading.value } }
      return total
    }
    func edge(_ isActive: Bool) {
      backend.input.onChange?(.edge(Edge(isActive: isActive, time: clock.now, sequence: 1)))
    }
    edge(true)
    backend.input.onChange?(.lost(3))  // off, on, off
    #expect(total() == 2)
    backend.input.onChange?(.lost(3))  // on, off, on
    #expect(total() == 4)
    edge(false)
    edge(true)
    #expect(total() == 5)
  }

  @Test func aTotalSurvivesARestart() throws {
    let store = Kept()
    let first = bench()
    try pulse(first, 4)
    // Nothing is stored before what there was is known.
    first.wait(120_000)
    #expect(store.writes == 0)
    first.hardware.recallCounts(["water": 100, "gone": 7], store: store)
    #expect(first.hardware.devices().count == 4)
    first.wait(1000)
    #expect(value(first, "water.total") == 52 && value(first, "water.rate") == 0)
    first.wait(60_000)
    #expect(store.pulses == ["water": 104] && store.writes == 1)
    // At most one write a minute, and none without a pulse.
    try pulse(first, 200)
    #expect(store.writes == 4)
    first.wait(600_000)
    #expect(store.writes == 5 && store.pulses == ["water": 304])
    try pulse(first, 1)
    first.hardware.close()
    #expect(store.writes == 6 && store.pulses == ["water": 305])

    let second = bench()
    second.hardware.recallCounts(store.pulses, store: store)
    second.hardware.recallCounts(store.pulses, store: store)
    second.wait(0)
    #expect(value(second, "water.total") == 152.5)
    second.wait(120_000)
    #expect(store.writes == 6)
  }

  @Test func withoutItsInputThereIsNoRate() throws {
    let bench = bench()
    try pulse(bench, 3)
    try bench.backend.inject("water", "unplug")
    bench.wait(5000)
    #expect(value(bench, "water.rate") == nil && value(bench, "water.total") == nil)
    #expect(
      bench.hardware.device("water.total")?.fault == "its input 'water' cannot be read: it is unplugged")
    try bench.backend.inject("water", "none")
    bench.wait(30_000)
    #expect(value(bench, "water.total") == 1.5)
  }
}

private final class Kept: CountStore {
  var pulses: [DeviceID: UInt64] = [:]
  var writes = 0

  func keep(_ pulses: [DeviceID: UInt64]) {
    writes += 1
    self.pulses.merge(pulses) { $1 }
  }
}

private final class Line: Backend {
  final class Input: InputDriver {
    var isActive: Bool? { false }
    var onChange: ((InputChange) -> Void)?
    func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault) { self.onChange = onChange }
    func stop() { onChange = nil }
  }

  let input = Input()
  func open(_ device: Device) throws(HALError) -> OpenDevice { .input(input) }
  func close() {}
}

import HAL
import HALTestKit
import Model
import Testing

/// How long the newest good reading counts.
@Suite struct StaleTests {
  let ann = Principal.named("agent/ann")

  private func bench(_ settings: SensorSettings) throws -> GateBench {
    let bench = GateBench([.sensor("t", settings)])
    try bench.backend.inject("t", ["value": 21])
    bench.wait(10_000)
    return bench
  }

  private func good(_ bench: GateBench) -> Double? { try? bench.hardware.newestGood("t").value }

  @Test func aDeviceShowsItsName() {
    var device = Device.sensor("t")
    device.name = "Wohnzimmer"
    let bench = GateBench([device, .sensor("u")])
    #expect(bench.hardware.devices().map(\.name) == ["Wohnzimmer", nil])
  }

  @Test func oneFailedTransferIsNothing() throws {
    let bench = try bench(SensorSettings())
    try bench.backend.inject("t", ["fault": "nack", "count": 1])
    for _ in 0..<50 {
      bench.wait(100)
      #expect(good(bench) == 21)
    }
  }

  @Test(arguments: [nil, 2, 30]) func aSilentSensorHasNoValue(stale: Int?) throws {
    let bench = try bench(SensorSettings(stale: stale.map { .seconds($0) }))
    try bench.backend.inject("t", "nack")
    bench.wait((stale ?? 4) * 1000)
    #expect(good(bench) == 21)
    bench.wait(1)
    #expect(good(bench) == nil)
    #expect(try bench.hardware.latestReading("t", as: ann).quality == .stale)
  }

  @Test func suspectReadingsDoNotRenewAGoodOne() throws {
    let bench = try bench(SensorSettings(filter: FilterSettings(range: 0...50), stale: .seconds(5)))
    try bench.backend.inject("t", ["value": 85])
    bench.wait(5000)
    #expect(good(bench) == 21)
    bench.wait(1)
    #expect(good(bench) == nil)
    // It is measured, but not to be believed.
    let reading = try bench.hardware.latestReading("t", as: ann)
    #expect(reading.value == 85 && reading.quality == .suspect)
    let why = failure { () throws(HALError) in try bench.hardware.newestGood("t") }
    #expect(why?.cause == "it is stale: its newest good reading is older than 5s")
  }

  @Test func aSuspectReadingIsNotRepeatedAsALevel() throws {
    let bench = try bench(SensorSettings(filter: FilterSettings(range: 0...50)))
    _ = try bench.hardware.subscribe("t")
    bench.wait(1000)
    try bench.backend.inject("t", ["value": 85])
    bench.wait(1000)
    bench.sink.clear()
    bench.hardware.repeatLevels { _ in true }
    #expect(bench.sink.events.map { $0["value"] } == [21.0])
  }
}

import HAL
import HALTestKit
import Model
import Testing

/// Sensors and inputs that stay the same for too long.
@Suite struct StuckTests {
  let ann = Principal.named("agent/ann")

  private func bench(_ settings: SensorSettings = SensorSettings(stuck: .seconds(60))) throws -> GateBench {
    let bench = GateBench([.sensor("t", settings)])
    try bench.backend.inject("t", ["value": 21])
    bench.wait(0)
    _ = try bench.hardware.subscribe("t")
    return bench
  }

  private func quality(_ bench: GateBench, _ id: DeviceID) -> Reading.Quality? {
    (try? bench.hardware.latestReading(id, as: ann))?.quality
  }

  @Test func aSensorThatDoesNotChangeIsStuckUntilItDoes() throws {
    let bench = try bench()
    bench.wait(59_000)
    #expect(quality(bench, "t") == .good && bench.sink.of("device:stuck").isEmpty)
    bench.wait(1000)
    let event = try #require(bench.sink.of("device:stuck").first)
    #expect(event.payload == ["device": "t", "for_ms": 60_000, "value": 21.0, "unit": ""] && event.source == "t")
    #expect(quality(bench, "t") == .suspect)
    #expect(
      bench.hardware.device("t")?.fault == "it is stuck: its value has been the same for more than 1m")
    // The last good reading counts until it is stale, and suspect ones are no events.
    let published = bench.sink.of("sensor:t").count
    #expect(try bench.hardware.newestGood("t").value == 21)
    bench.wait(4000)
    #expect(failure { () throws(HALError) in try bench.hardware.newestGood("t") } != nil)
    bench.wait(100_000)
    #expect(bench.sink.of("device:stuck").count == 1 && bench.sink.of("sensor:t").count == published)
    try bench.backend.inject("t", ["value": 21.1])
    bench.wait(1000)
    #expect(bench.sink.of("device:unstuck").map(\.payload) == [["device": "t"]])
    #expect(quality(bench, "t") == .good && bench.hardware.device("t")?.fault == nil)
    #expect(try bench.hardware.newestGood("t").value == 21.1)
  }

  /// Filters may hide changes, so the driver's value counts.
  @Test func theValueBeforeTheFilterCounts() throws {
    let bench = try bench(
      SensorSettings(
        points: [CurvePoint(0, 5), CurvePoint(100, 5)], filter: FilterSettings(median: 15), stuck: .seconds(10)))
    for step in 0..<30 {
      try bench.backend.inject("t", ["value": .double(21 + Double(step % 2))])
      bench.wait(1000)
    }
    #expect(bench.sink.of("device:stuck").isEmpty)
  }

  @Test func aSilenceIsNoSameness() throws {
    let bench = try bench()
    try bench.backend.inject("t", "nack")
    bench.wait(300_000)
    try bench.backend.inject("t", "none")
    bench.wait(45_000)
    #expect(bench.sink.of("device:stuck").isEmpty)
    bench.wait(60_000)
    #expect(bench.sink.of("device:stuck").count == 1)
  }

  @Test func anInputThatIsActiveTooLongIsStuck() throws {
    let bench = GateBench([.input("leak", InputSettings(stuck: .seconds(60)))])
    try bench.backend.inject("leak", ["active": true])
    bench.wait(59_999)
    #expect(bench.sink.of("device:stuck").isEmpty)
    bench.wait(1)
    #expect(bench.sink.of("device:stuck").map(\.payload) == [["device": "leak", "for_ms": 60_000]])
    #expect(quality(bench, "leak") == .suspect)
    #expect(bench.hardware.device("leak")?.fault == "it is stuck: it has been active for more than 1m")
    let why = failure { () throws(HALError) in try bench.hardware.newestGood("leak") }
    #expect(why?.cause == "it is stuck: it has been active for more than 1m")
    try bench.backend.inject("leak", ["active": false])
    #expect(bench.sink.of("device:unstuck").count == 1 && quality(bench, "leak") == .good)
    // Inactive for ever is fine.
    bench.wait(600_000)
    #expect(bench.sink.of("device:stuck").count == 1 && bench.clock.waiting == 0)
  }

  @Test func anInputActiveAtTheStartCountsFromThere() throws {
    let bench = GateBench([
      .input("leak", InputSettings(stuck: .seconds(60)), script: [["after": "0s", "active": true]])
    ])
    bench.wait(60_000)
    #expect(bench.sink.of("device:stuck").count == 1)
  }

  @Test func aLostInputIsNotStuckButStaysSo() throws {
    let bench = GateBench([.input("leak", InputSettings(stuck: .seconds(60)))])
    try bench.backend.inject("leak", ["active": true])
    bench.wait(30_000)
    try bench.backend.inject("leak", "unplug")
    bench.wait(60_000)
    #expect(bench.sink.of("device:stuck").isEmpty)
    try bench.backend.inject("leak", "none")
    bench.wait(60_000)
    #expect(bench.sink.of("device:stuck").count == 1)
    try bench.backend.inject("leak", "unplug")
    try bench.backend.inject("leak", "none")
    bench.wait(60_000)
    #expect(bench.sink.of("device:stuck").count == 1 && bench.sink.of("device:unstuck").isEmpty)
    try bench.backend.inject("leak", "unplug")
    try bench.backend.inject("leak", ["active": false])
    try bench.backend.inject("leak", "none")
    #expect(bench.sink.of("device:unstuck").count == 1)
  }

  @Test func aStuckStopButtonStillStops() throws {
    let bench = GateBench([.actuator("fan"), .input("stop", InputSettings(emergencyStop: true, stuck: .seconds(1)))])
    try bench.backend.inject("stop", ["active": true])
    bench.wait(5000)
    #expect(bench.hardware.emergencyStop != nil)
    #expect(failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) } != nil)
  }
}

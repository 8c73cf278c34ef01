import HAL
import HALTestKit
import Model
import Testing

/// A change is published when the hardware has confirmed it, not when it was commanded.
@Suite struct ConfirmedChangeTests {
  let ann = Principal.named("agent/ann")

  private func slow(_ settings: ActuatorSettings = ActuatorSettings()) -> GateBench {
    GateBench([.actuator("fan", settings, options: ["latency": "100ms"])])
  }

  private func states(_ bench: GateBench) -> [Double] {
    bench.sink.of("device:changed").compactMap { $0["state"]?.double }
  }

  @Test func anImmediateAnswerIsPublishedAtOnce() throws {
    let bench = GateBench([.actuator("fan")])
    let receipt = try bench.hardware.controlActuator("fan", .on, as: ann)
    #expect(receipt.isConfirmed && bench.sink.of("device:changed").map(\.id) == [receipt.id])
  }

  @Test func aChangeBehindASlowBusIsPublishedWithItsAnswer() throws {
    let bench = slow()
    bench.wait(100)
    let receipt = try bench.hardware.controlActuator("fan", .on, lease: .seconds(10), as: ann)
    #expect(!receipt.isConfirmed && bench.sink.of("device:changed").isEmpty)
    bench.wait(100)
    let change = try #require(bench.sink.of("device:changed").first)
    #expect(change["reason"] == "command" && change["holder"] == "agent/ann" && change["previous"] == 0.0)
    #expect(change["lease_ms"] == 9900)
    #expect(bench.hardware.lastChange(of: "fan") == change.id)
    // The end of the lease has the published change as its cause.
    bench.wait(9950)
    #expect(states(bench) == [1])
    bench.wait(100)
    #expect(states(bench) == [1, 0] && bench.sink.of("device:changed").last?.cause == change.id)
  }

  @Test func goingSafeIsPublishedOnceConfirmed() throws {
    let bench = slow()
    try bench.hardware.controlActuator("fan", .on, as: ann)
    bench.wait(100)
    bench.hardware.stopEverything(by: "client/root")
    #expect(bench.reasons("fan") == ["command"])
    bench.wait(100)
    #expect(bench.reasons("fan") == ["command", "emergency-stop"])
  }

  @Test func anOvertakenChangeIsNotPublished() throws {
    let bench = slow()
    bench.wait(100)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.hardware.controlActuator("fan", .level(0.5), as: ann)
    bench.wait(200)
    let change = try #require(bench.sink.of("device:changed").first)
    #expect(states(bench) == [0.5] && change["previous"] == 0.0)
  }

  @Test func aChangeThatTimesOutIsNotPublished() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.backend.inject("fan", ["fault": "timeout", "count": 1, "delay": "1s"])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(5), as: ann)
    #expect(bench.sink.of("device:changed").isEmpty)
    bench.wait(10_000)
    #expect(states(bench) == [0] && bench.reasons("fan") == ["fault"])
  }

  @Test func theEndOfAPulseWaitsForAbsentHardware() throws {
    let bench = GateBench([.actuator("lamp")])
    try bench.hardware.controlActuator("lamp", .level(0.5), lease: .seconds(20), as: ann)
    try bench.hardware.controlActuator("lamp", .pulse(.seconds(1)), as: ann)
    try bench.backend.inject("lamp", "unplug")
    bench.wait(2000)
    #expect(bench.reasons("lamp") == ["command", "command"])
    try bench.backend.inject("lamp", "none")
    #expect(bench.sink.events.suffix(2).map(\.type) == ["device:back", "device:changed"])
    let change = try #require(bench.sink.of("device:changed").last)
    #expect(change["reason"] == "pulse-ended" && change["state"] == 0.5 && change["lease_ms"] == 18_000)
  }

  @Test func aReturnIsPublishedOnceTheLevelIsConfirmed() throws {
    let bench = slow()
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(20), as: ann)
    bench.wait(100)
    try bench.backend.inject("fan", "unplug")
    try bench.backend.inject("fan", "none")
    #expect(bench.sink.of("device:back").isEmpty)
    // It goes again before it has answered, so no `device:back` was published.
    try bench.backend.inject("fan", "unplug")
    #expect(bench.sink.of("device:lost").count == 1)
    try bench.backend.inject("fan", "none")
    bench.wait(100)
    #expect(bench.sink.of("device:back").compactMap { $0["state"] } == [1.0])
    try bench.backend.inject("fan", "unplug")
    try bench.backend.inject("fan", "nack")
    bench.wait(100)
    let back = try #require(bench.sink.of("device:back").last)
    #expect(bench.sink.of("device:back").count == 2 && back["state"] == nil)
    #expect(bench.sink.of("device:fault").count == 1)
  }
}

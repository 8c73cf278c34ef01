import HAL
import HALTestKit
import Model
import Testing

/// Outputs that are unplugged and come back.
@Suite struct PresenceTests {
  let ann = Principal.named("agent/ann")

  private func bench(_ settings: ActuatorSettings = ActuatorSettings(lease: .seconds(60))) -> GateBench {
    GateBench([.actuator("heater", settings)])
  }

  @Test func aLeaseResumesAfterAReturn() throws {
    let bench = bench()
    try bench.hardware.controlActuator("heater", .on, as: ann)
    try bench.backend.inject("heater", "unplug")
    let lost = try #require(bench.sink.of("device:lost").first)
    #expect(lost.source == "heater" && lost["reason"] == "it is unplugged")
    let status = try #require(bench.hardware.device("heater"))
    #expect(status.state == "gone" && status.fault == "it is unplugged" && status.holder == "agent/ann")
    #expect(status.reading?.quality == .suspect)
    bench.wait(10_000)
    #expect(bench.level("heater") == 0)
    try bench.backend.inject("heater", "none")
    #expect(bench.level("heater") == 1)
    #expect(bench.sink.of("device:back").count == 1 && bench.sink.of("device:fault").isEmpty)
    #expect(bench.sink.of("device:back").first?["state"] == 1.0)
    #expect(bench.reasons("heater") == ["command"], "the published state has not changed")
    #expect(bench.hardware.device("heater")?.fault == nil && bench.hardware.device("heater")?.state == "on")
    bench.wait(50_000)
    #expect(bench.level("heater") == 0 && bench.clock.waiting == 0)
  }

  @Test func anAbsentOutputCannotBeSwitched() throws {
    let bench = bench()
    try bench.hardware.controlActuator("heater", .on, as: ann)
    try bench.backend.inject("heater", "unplug")
    for command in [ActuatorCommand.on, .level(0.5), .off] {
      let refused = failure { () throws(HALError) in try bench.hardware.controlActuator("heater", command, as: ann) }
      #expect(refused?.isGone == true, "\(command): \(String(describing: refused))")
    }
    // A lease that was released while the output was away does not resume.
    #expect(bench.hardware.device("heater")?.holder == nil)
    try bench.backend.inject("heater", "none")
    #expect(bench.level("heater") == 0 && bench.hardware.unsafeActuators.isEmpty)
    #expect(bench.reasons("heater") == ["command", "command"])
  }

  @Test func aLeaseEndsWhileItIsAway() throws {
    let bench = bench(ActuatorSettings(lease: .seconds(5)))
    try bench.hardware.controlActuator("heater", .on, as: ann)
    try bench.backend.inject("heater", "unplug")
    bench.wait(6000)
    #expect(bench.reasons("heater") == ["command"], "it is unknown whether it is safe")
    try bench.backend.inject("heater", "none")
    #expect(bench.reasons("heater") == ["command", "lease-expired"] && bench.hardware.unsafeActuators.isEmpty)
  }

  @Test func aStopAppliesToAbsentOutputs() throws {
    let bench = bench()
    try bench.hardware.controlActuator("heater", .on, as: ann)
    try bench.backend.inject("heater", "unplug")
    bench.hardware.stopEverything(by: "client/root")
    var refusals: [Hardware.Refusal] = []
    bench.hardware.confirm(within: .seconds(2)) { refusals = $0 }
    #expect(refusals.map(\.device) == ["heater"] && refusals.allSatisfy(\.isGone))
    try bench.backend.inject("heater", "none")
    #expect(bench.level("heater") == 0 && bench.hardware.unsafeActuators.isEmpty)
  }

  @Test func minOffStartsAnewAfterAReturn() throws {
    let bench = bench(ActuatorSettings(minOff: .seconds(20), lease: .seconds(600)))
    bench.wait(20_000)
    try bench.hardware.controlActuator("heater", .on, as: ann)
    try bench.backend.inject("heater", "unplug")
    bench.wait(60_000)
    try bench.backend.inject("heater", "none")
    #expect(bench.level("heater") == 0 && bench.reasons("heater") == ["command", "lost"])
    let early = failure { () throws(HALError) in try bench.hardware.controlActuator("heater", .on, as: ann) }
    guard case .limited(_, rule: "min_off", _, .seconds(20)?) = early else {
      Issue.record("\(String(describing: early))")
      return
    }
    bench.wait(20_000)
    try bench.hardware.controlActuator("heater", .on, as: ann)
  }

  @Test func aPulseEndsWhileTheHardwareIsAway() throws {
    let bench = bench()
    try bench.hardware.controlActuator("heater", .level(0.2), as: ann)
    try bench.hardware.controlActuator("heater", .pulse(.seconds(2)), as: ann)
    try bench.backend.inject("heater", "unplug")
    bench.wait(5000)
    try bench.backend.inject("heater", "none")
    #expect(bench.level("heater") == 0.2)
  }

  @Test func anOutputAbsentAtTheStartIsSafeOnArrival() throws {
    let bench = bench()
    try bench.backend.inject("heater", "unplug")
    bench.hardware.close()
    let sink = RecordingSink(clock: bench.clock)
    let next = Hardware(board: bench.hardware.board, backend: bench.backend, clock: bench.clock, events: sink)
    next.open()
    #expect(sink.of("device:lost").count == 1 && sink.of("device:fault").isEmpty)
    #expect(next.unsafeActuators == ["heater"] && next.device("heater")?.state == "gone")
    bench.wait(60_000)
    #expect(bench.clock.waiting == 0, "an output that reports its return is not polled")
    #expect(bench.backend.drive("heater", to: 1) == false)
    try bench.backend.inject("heater", "none")
    #expect(sink.of("device:back").count == 1 && next.unsafeActuators.isEmpty)
    try next.controlActuator("heater", .on, as: ann)
    next.close()
  }

  @Test func aReturningOutputThatRefusedBeforeHasNotRecovered() throws {
    let bench = bench()
    try bench.backend.inject("heater", "nack")
    _ = failure { () throws(HALError) in try bench.hardware.controlActuator("heater", .on, as: ann) }
    try bench.backend.inject("heater", "unplug")
    try bench.backend.inject("heater", "none")
    #expect(bench.sink.events.map(\.type) == ["device:fault", "device:lost", "device:back", "device:recovered"])
  }

  @Test func anAbsentRivalIsNotSafe() throws {
    let bench = GateBench([.actuator("up", ActuatorSettings(exclusiveWith: ["down"])), .actuator("down")])
    try bench.backend.inject("down", "unplug")
    let refused = failure { () throws(HALError) in try bench.hardware.controlActuator("up", .on, as: ann) }
    guard case .limited(_, rule: "exclusive_with", let detail, _) = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
    #expect(detail == "it is unknown whether 'down' is in its safe state: reach 'down' failed: it is unplugged")
    try bench.backend.inject("down", "none")
    try bench.hardware.controlActuator("up", .on, as: ann)
  }
}

import HAL
import HALTestKit
import Model
import Testing

/// Each rule of the gate by itself.
@Suite struct GateTests {
  let ann = Principal.named("agent/ann")
  let bob = Principal.named("agent/bob")

  @Test func unknownDeviceGetsASuggestion() {
    let bench = GateBench([.actuator("fan"), .sensor("fann")])
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fam", .on, as: ann) }
    #expect(error == .notFound("fam", kind: "actuator", suggestion: "fan"))
  }

  @Test func aDeviceOfAnotherKindIsNamed() {
    let bench = GateBench([.actuator("fan"), .sensor("fann")])
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fann", .on, as: ann) }
    #expect(error == .notFound("fann", kind: "actuator", suggestion: nil, actual: "sensor"))
    #expect(error?.description == "'fann' is a sensor, not an actuator")
    let reading = failure { () throws(HALError) in try bench.hardware.latestReading("fan", as: ann) }
    #expect(reading?.description == "'fan' is an actuator, not a sensor")
  }

  @Test func aLeaseNamesTheLimitThatCutIt() throws {
    let bench = GateBench([.actuator("pump", ActuatorSettings(maxOn: .seconds(20)))])
    #expect(bench.hardware.lease(of: "pump") == nil)
    let receipt = try bench.hardware.controlActuator("pump", .on, lease: .seconds(60), as: ann)
    let lease = try #require(bench.hardware.lease(of: "pump"))
    #expect(lease.end - Instant(nanoseconds: receipt.at) == .seconds(20) && lease.limit == "max_on 20s")
    try bench.hardware.controlActuator("pump", .on, lease: .seconds(5), as: ann)
    #expect(bench.hardware.lease(of: "pump")?.limit == nil && bench.hardware.lease(of: "pumpe") == nil)
  }

  @Test func aPersonMayAlwaysMakeSafe() throws {
    let bench = GateBench([.actuator("fan"), .actuator("vent", ActuatorSettings(safe: 1))])
    let person = Principal(name: "client/eve", permissions: .all, mayMakeSafe: true)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.hardware.controlActuator("vent", .off, as: bob)
    // Another agent may not, and a person may only make it safe.
    for (device, command, who) in [("fan", .off, bob), ("fan", .level(0.5), person), ("vent", .level(0.5), person)]
      as [(DeviceID, ActuatorCommand, Principal)]
    {
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator(device, command, as: who) }
      guard case .busy = error else { Issue.record("\(device) \(command): \(String(describing: error))"); continue }
    }
    // The board defines the safe level.
    try bench.hardware.controlActuator("fan", .off, as: person)
    try bench.hardware.controlActuator("vent", .on, as: person)
    #expect(bench.level("fan") == 0 && bench.level("vent") == 1)
    #expect(bench.hardware.device("fan")?.holder == nil && bench.hardware.device("vent")?.holder == nil)
    #expect(bench.reasons("fan") == ["command", "override"])
    // It is free again.
    try bench.hardware.controlActuator("fan", .on, as: bob)
  }

  @Test func permissionIsNeeded() {
    let bench = GateBench([.actuator("fan")])
    let guest = Principal(name: "agent/guest", permissions: Permissions(actuators: [EventPattern("lamp*")]))
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: guest) }
    #expect(error == .denied("fan", operation: "control", principal: "agent/guest"))
    #expect(bench.hardware.denials == 1)
    #expect(bench.hardware.device("fan")?.denials == 1)
    #expect(bench.sink.events.isEmpty)
  }

  @Test func levelsMustMakeSense() throws {
    let bench = GateBench([.actuator("fan"), .actuator("relay", options: ["analogue": false])])
    for level in [-0.1, 1.5, Double.nan, .infinity] {
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .level(level), as: ann) }
      guard case .invalid = error else { Issue.record("level \(level): \(String(describing: error))"); continue }
    }
    let half = failure { () throws(HALError) in try bench.hardware.controlActuator("relay", .level(0.5), as: ann) }
    guard case .invalid = half else { Issue.record("a relay took half"); return }
    try bench.hardware.controlActuator("relay", .level(1), as: ann)
    try bench.hardware.controlActuator("fan", .level(0.5), as: ann)
    #expect(bench.level("fan") == 0.5)
    let never = failure { () throws(HALError) in
      try bench.hardware.controlActuator("fan", .on, lease: .zero, as: ann)
    }
    guard case .invalid = never else { Issue.record("an empty lease was granted"); return }
  }

  @Test func aChangeIsPublishedWithItsCause() throws {
    let bench = GateBench([.actuator("fan")])
    let cause = bench.sink.publish("sensor:temperature", from: "temperature")
    let receipt = try bench.hardware.controlActuator(
      "fan", .on, lease: .seconds(5), as: ann, cause: Cause(cause))
    let event = try #require(bench.sink.of("device:changed").last)
    #expect(receipt.id == event.id)
    #expect(receipt.state == 1 && receipt.previous == 0)
    #expect(event.source == "fan" && event.cause == cause.id && event.trace == cause.id && event.depth == 1)
    #expect(
      event.payload == [
        "device": "fan", "state": 1.0, "previous": 0.0, "holder": "agent/ann", "reason": "command", "lease_ms": 5000,
      ])
  }

  @Test func aLeaseEndsInTheSafeState() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(2), as: ann)
    let on = try #require(bench.sink.of("device:changed").last)
    bench.wait(1999)
    #expect(bench.level("fan") == 1)
    bench.wait(1)
    #expect(bench.level("fan") == 0)
    let off = try #require(bench.sink.of("device:changed").last)
    #expect(off["reason"] == "lease-expired" && off["holder"] == "agent/ann" && off.cause == on.id)
    #expect(off["lease_ms"] == .null)
    #expect(bench.clock.waiting == 0)
  }

  @Test func theHolderRenews() throws {
    let bench = GateBench([.actuator("fan")])
    for _ in 0..<10 {
      let receipt = try bench.hardware.controlActuator("fan", .on, lease: .seconds(2), as: ann)
      #expect(receipt.id == bench.sink.of("device:changed").last?.id)
      bench.wait(1500)
      #expect(bench.level("fan") == 1)
    }
    #expect(bench.sink.of("device:changed").count == 1)
    bench.wait(500)
    #expect(bench.level("fan") == 0)
  }

  @Test func aCommandWithoutALeaseTakesTheBoards() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(lease: .seconds(3)))])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    #expect(bench.hardware.device("fan")?.leaseRemaining == .seconds(3))
    bench.wait(3000)
    #expect(bench.level("fan") == 0)
  }

  @Test func anotherHolderMeansBusy() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(5), as: ann)
    let until = bench.clock.now + .seconds(5)
    for command in [ActuatorCommand.on, .off, .level(0.5), .pulse(.seconds(1))] {
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", command, as: bob) }
      #expect(error == .busy("fan", holder: "agent/ann", until: until))
    }
    bench.wait(5000)
    try bench.hardware.controlActuator("fan", .on, as: bob)
    #expect(bench.hardware.device("fan")?.holder == "agent/bob")
  }

  @Test func anOverrideTakesOver() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(5), as: ann)
    let receipt = try bench.hardware.controlActuator("fan", .on, lease: .seconds(9), as: bob, override: true)
    #expect(bench.reasons("fan") == ["command", "override"])
    #expect(receipt.id == bench.sink.events.last?.id && receipt.previous == 1)
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .off, as: ann) }
    guard case .busy(_, holder: "agent/bob", _) = error else { Issue.record("\(String(describing: error))"); return }
    bench.wait(8999)
    #expect(bench.level("fan") == 1)
  }

  @Test func rivalsExcludeEachOtherBothWays() throws {
    let bench = GateBench([
      .actuator("pump", ActuatorSettings(exclusiveWith: ["lamp"])), .actuator("lamp"),
    ])
    for (first, second) in [("pump", "lamp"), ("lamp", "pump")] as [(DeviceID, DeviceID)] {
      try bench.hardware.controlActuator(first, .on, lease: .seconds(4), as: ann)
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator(second, .on, as: bob) }
      guard case .limited(second, rule: "exclusive_with", let detail, let retry) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(detail.contains(first.rawValue) && detail.contains("agent/ann"))
      #expect(retry == .seconds(4))
      try bench.hardware.controlActuator(first, .off, as: ann)
    }
  }

  @Test func anUnconfirmedRivalIsNotSafe() throws {
    let bench = GateBench([
      .actuator("vent", ActuatorSettings(exclusiveWith: ["lamp"]), options: ["latency": "100ms"]), .actuator("lamp"),
    ])
    bench.wait(100)
    try bench.hardware.controlActuator("vent", .on, as: ann)
    bench.wait(100)
    try bench.hardware.controlActuator("vent", .off, as: ann)
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("lamp", .on, as: ann) }
    guard case .limited(_, rule: "exclusive_with", _, _) = error else {
      Issue.record("\(String(describing: error))"); return
    }
    bench.wait(100)
    try bench.hardware.controlActuator("lamp", .on, as: ann)
  }

  @Test func minOffBeginsWhenTheHardwareConfirms() throws {
    for (settings, rule) in [
      (ActuatorSettings(minOff: .milliseconds(200)), "min_off"), (ActuatorSettings(maxOn: .seconds(9)), "max_on"),
    ] {
      let bench = GateBench([.actuator("valve", settings, options: ["latency": "500ms"])])
      bench.wait(1000)
      try bench.hardware.controlActuator("valve", .on, lease: .seconds(5), as: ann)
      bench.wait(1000)
      try bench.hardware.controlActuator("valve", .off, as: ann)
      // Longer than min_off since the command, but the valve has not closed yet.
      bench.wait(400)
      let refused = failure { () throws(HALError) in
        try bench.hardware.controlActuator("valve", .on, lease: .seconds(5), as: ann)
      }
      guard case .limited("valve", rule, _, _) = refused else {
        Issue.record("\(String(describing: refused))")
        continue
      }
      bench.wait(400)
      try bench.hardware.controlActuator("valve", .on, lease: .seconds(5), as: ann)
    }
  }

  @Test func minOffDelaysTheNextCommand() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(minOff: .seconds(3)))])
    // From the start too: how long it was off before is unknown.
    let early = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    guard case .limited(_, rule: "min_off", _, .seconds(3)?) = early else {
      Issue.record("\(String(describing: early))"); return
    }
    bench.wait(3000)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.hardware.controlActuator("fan", .off, as: ann)
    bench.wait(2999)
    let late = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    guard case .limited(_, rule: "min_off", _, .milliseconds(1)?) = late else {
      Issue.record("\(String(describing: late))"); return
    }
    bench.wait(1)
    try bench.hardware.controlActuator("fan", .on, as: ann)
  }

  @Test func maxRateLimitsChanges() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxRate: Rate(count: 3, per: .seconds(10))))])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    bench.wait(1000)
    try bench.hardware.controlActuator("fan", .off, as: ann)
    bench.wait(1000)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    // Repeating the current level is no change.
    try bench.hardware.controlActuator("fan", .on, as: ann)
    let change = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .level(0.5), as: ann) }
    guard case .limited(_, rule: "max_rate", _, .seconds(8)?) = change else {
      Issue.record("\(String(describing: change))"); return
    }
    // The safe state is always allowed.
    try bench.hardware.controlActuator("fan", .off, as: ann)
    bench.wait(9000)
    try bench.hardware.controlActuator("fan", .on, as: ann)
  }

  @Test func theEndOfAPulseToAnUnsafeLevelCountsForMaxRate() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxRate: Rate(count: 2, per: .seconds(10))))])
    try bench.hardware.controlActuator("fan", .level(0.5), as: ann)
    // On and back would be the second and the third change.
    let pulse = failure { () throws(HALError) in
      try bench.hardware.controlActuator("fan", .pulse(.seconds(1)), as: ann)
    }
    guard case .limited(_, rule: "max_rate", _, .seconds(9)?) = pulse else {
      Issue.record("\(String(describing: pulse))"); return
    }
    // A pulse that ends after the first change has left the window is allowed.
    try bench.hardware.controlActuator("fan", .pulse(.seconds(10)), as: ann)
    bench.wait(10_000)
    #expect(bench.level("fan") == 0.5)
    #expect(bench.backend.history(of: "fan").map(\.level) == [0, 0.5, 1, 0.5])
  }

  @Test func maxOnEndsEvenARenewedLease() throws {
    let bench = GateBench([.actuator("pump", ActuatorSettings(maxOn: .seconds(5)))])
    try bench.hardware.controlActuator("pump", .on, lease: .seconds(60), as: ann)
    for _ in 0..<4 {
      bench.wait(1000)
      try bench.hardware.controlActuator("pump", .on, lease: .seconds(60), as: ann)
    }
    bench.wait(999)
    #expect(bench.level("pump") == 1)
    bench.wait(1)
    #expect(bench.level("pump") == 0)
    #expect(bench.reasons("pump") == ["command", "max-on"])
    let limited = try #require(bench.sink.of("device:limited").last)
    #expect(limited["holder"] == "agent/ann" && limited["rule"] == "max_on")
    #expect(bench.sink.events.last?.cause == limited.id)
    #expect(bench.hardware.device("pump")?.holder == nil)
  }

  @Test func maxOnCountsAcrossLevels() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxOn: .seconds(5)))])
    for level in [0.2, 0.9, 0.4, 1.0] {
      try bench.hardware.controlActuator("fan", .level(level), lease: .seconds(2), as: ann)
      bench.wait(1000)
    }
    try bench.hardware.controlActuator("fan", .level(0.3), lease: .seconds(2), as: ann)
    bench.wait(1000)
    #expect(bench.reasons("fan").last == "max-on")
  }

  @Test func aLeaseAsLongAsMaxOnJustEnds() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(maxOn: .seconds(5)))])
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(5), as: ann)
    bench.wait(5000)
    #expect(bench.reasons("fan") == ["command", "lease-expired"])
  }

  @Test func aPulseThatEndsWithItsLeaseGoesSafeAtOnce() throws {
    let bench = GateBench([.actuator("lamp")])
    try bench.hardware.controlActuator("lamp", .level(0.25), lease: .seconds(5), as: ann)
    try bench.hardware.controlActuator("lamp", .pulse(.seconds(1)), as: ann)
    bench.clock.sleep(for: .seconds(20))
    #expect(bench.level("lamp") == 0 && bench.reasons("lamp") == ["command", "command", "lease-expired"])
  }

  @Test func aPulseReturnsToThePreviousLevel() throws {
    let bench = GateBench([.actuator("lamp", ActuatorSettings(maxOn: .seconds(10)))])
    try bench.hardware.controlActuator("lamp", .pulse(.milliseconds(300)), as: ann)
    #expect(bench.level("lamp") == 1)
    bench.wait(300)
    #expect(bench.level("lamp") == 0)
    #expect(bench.reasons("lamp") == ["command", "pulse-ended"])
    #expect(bench.hardware.device("lamp")?.holder == nil)

    try bench.hardware.controlActuator("lamp", .level(0.25), lease: .seconds(5), as: ann)
    try bench.hardware.controlActuator("lamp", .pulse(.seconds(1)), as: ann)
    #expect(bench.level("lamp") == 1)
    bench.wait(1000)
    #expect(bench.level("lamp") == 0.25)
    #expect(bench.hardware.device("lamp")?.leaseRemaining == .seconds(4))
    let long = failure { () throws(HALError) in
      try bench.hardware.controlActuator("lamp", .pulse(.seconds(10)), as: ann)
    }
    guard case .limited(_, rule: "max_on", _, _) = long else { Issue.record("\(String(describing: long))"); return }
    // A command in the middle of a pulse ends the pulse.
    try bench.hardware.controlActuator("lamp", .pulse(.seconds(2)), as: ann)
    try bench.hardware.controlActuator("lamp", .level(0.5), lease: .seconds(4), as: ann)
    bench.wait(3000)
    #expect(bench.level("lamp") == 0.5)
  }

  @Test func outputsOfAnEndedHolderGoSafe() throws {
    let bench = GateBench([.actuator("fan"), .actuator("lamp"), .actuator("vent")])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.hardware.controlActuator("lamp", .on, as: ann)
    try bench.hardware.controlActuator("vent", .on, as: bob)
    let end = bench.sink.publish("agent:stopped", from: "agent/ann")
    bench.hardware.releaseAll(holder: "agent/ann", cause: Cause(end))
    #expect(bench.level("fan") == 0 && bench.level("lamp") == 0 && bench.level("vent") == 1)
    #expect(bench.reasons("lamp") == ["command", "holder-ended"])
    #expect(bench.sink.events.last?.cause == end.id)
    bench.hardware.safeAll(reason: "emergency-stop")
    #expect(bench.level("vent") == 0)
    #expect(bench.reasons("vent") == ["command", "emergency-stop"])
    #expect(bench.clock.waiting == 0)
  }

  @Test func anActuatorMayBeOnInItsSafeState() throws {
    let bench = GateBench([.actuator("brake", ActuatorSettings(safe: 1, maxOn: .seconds(2)))])
    #expect(bench.level("brake") == 1)
    try bench.hardware.controlActuator("brake", .off, lease: .seconds(9), as: ann)
    bench.wait(2000)
    #expect(bench.level("brake") == 1)
    #expect(bench.reasons("brake") == ["command", "max-on"])
  }

  /// `device:limited` names the holder at the time when `max_on` ends the lease.
  @Test(arguments: [
    (ActuatorCommand.on, Duration.seconds(60) as Duration?), (.level(0.5), .seconds(60)), (.level(0.5), nil),
    (.pulse(.seconds(2)), nil), (.pulse(.seconds(2)), .seconds(60)),
  ])
  func maxOnIsReportedOnceForTheNewHolder(command: ActuatorCommand, lease: Duration?) throws {
    let operate = Principal.named("client/ada")
    for (first, second) in [(ann, operate), (operate, ann), (ann, ann)] {
      let settings = ActuatorSettings(maxOn: .seconds(20), lease: .seconds(40))
      let bench = GateBench([.actuator("pump", settings)])
      try bench.hardware.controlActuator("pump", .on, lease: .seconds(60), as: first)
      bench.wait(10_000)
      try bench.hardware.controlActuator("pump", command, lease: lease, as: second, override: first.name != second.name)
      bench.wait(60_000)
      let limited = bench.sink.of("device:limited")
      #expect(limited.map { $0["holder"]?.string } == [second.name], "\(first.name), then \(second.name): \(command)")
      #expect(bench.reasons("pump").last == "max-on" && bench.level("pump") == 0)
    }
  }

  @Test func closingFollowsOnExit() throws {
    let bench = GateBench([
      .actuator("fan"), .actuator("valve", ActuatorSettings(onExit: .hold)),
      .actuator("led", ActuatorSettings(onExit: .input)),
    ])
    for id in ["fan", "valve", "led"] as [DeviceID] { try bench.hardware.controlActuator(id, .on, as: ann) }
    bench.hardware.close()
    #expect(bench.level("fan") == 0 && bench.backend.released("fan") == .safe)
    #expect(bench.level("valve") == 1 && bench.backend.released("valve") == .hold)
    #expect(bench.backend.released("led") == .input)
    #expect(bench.clock.waiting == 0)
  }

  @Test func closingSafelyIgnoresOnExit() throws {
    let bench = GateBench([.actuator("valve", ActuatorSettings(onExit: .hold))])
    try bench.hardware.controlActuator("valve", .on, as: ann)
    bench.hardware.close(.safe)
    #expect(bench.level("valve") == 0 && bench.backend.released("valve") == .safe)
  }
}

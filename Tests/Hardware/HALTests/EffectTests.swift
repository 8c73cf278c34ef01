import HAL
import HALTestKit
import Model
import Testing

/// Outputs with `verify`: a switched output has to be noticed by its sensor.
@Suite struct EffectTests {
  let ann = Principal.named("agent/ann")

  private static func verify(_ sensor: DeviceID, _ otherwise: EffectSettings.Otherwise) -> EffectSettings {
    EffectSettings(
      sensor: sensor, within: .seconds(5), expect: .init(text: "value > 0.2", location: Location(file: "")),
      otherwise: otherwise)
  }

  /// A pump with a current sensor that is measured each second, and shows 0.5 A while the pump is on.
  private func bench(
    _ otherwise: EffectSettings.Otherwise = .report, onDemand: Bool = false, options: Fields = [:]
  ) -> GateBench {
    let bench = GateBench([
      .sensor(
        "current", SensorSettings(every: .seconds(1), onDemand: onDemand),
        model: ["model": "constant", "value": 0, "unit": "A", "influences": ["pump": 0.5]]),
      .actuator(
        "pump", ActuatorSettings(lease: .seconds(60), verify: Self.verify("current", otherwise)), options: options),
    ])
    bench.hardware.judgeEffect = { _, value, _, isSafe in (value > 0.2) != isSafe ? .seen : .unseen }
    bench.wait(1000)
    return bench
  }

  private func found(_ bench: GateBench) -> [Event] { bench.sink.of("device:no_effect") }

  @Test func whatHasItsEffectIsNotReported() throws {
    let bench = bench()
    try bench.hardware.controlActuator("pump", .on, as: ann)
    #expect(bench.hardware.device("current")?.watchers == 1)
    bench.wait(1500)
    #expect(bench.hardware.device("current")?.watchers == 0, "it ends with the first reading that is as expected")
    try bench.hardware.controlActuator("pump", .off, as: ann)
    bench.wait(20_000)
    #expect(found(bench).isEmpty && bench.hardware.device("pump")?.noEffect == nil)
  }

  @Test func regulationDoesNotPutItOff() throws {
    let bench = bench(.safe)
    try bench.backend.inject("current", ["value": 0])
    for step in 0..<20 where bench.level("pump") != 0 || step == 0 {
      try bench.hardware.controlActuator("pump", .level(0.5 + Double(step) / 100), as: ann)
      bench.wait(500)
    }
    #expect(found(bench).count == 1 && bench.level("pump") == 0)
  }

  @Test func anOutputInVainIsReportedAndShownUntilItIsAcknowledged() throws {
    let bench = bench()
    var told: [NoEffect?] = []
    bench.hardware.onNoEffect = { told.append($1) }
    try bench.backend.inject("current", ["value": 0.0625])
    bench.wait(1000)
    try bench.backend.inject("current", ["value": 0.125])
    let cause = try bench.hardware.controlActuator("pump", .on, as: ann).id
    bench.wait(4999)
    #expect(found(bench).isEmpty)
    bench.wait(1)
    let event = try #require(found(bench).first)
    #expect(event.cause == cause && event.priority == .high && event.source == "pump")
    #expect(
      event.payload == [
        "device": "pump", "state": 1.0, "sensor": "current", "before": 0.0625, "after": 0.125, "unit": "A",
        "within_ms": 5000,
      ])
    #expect(bench.level("pump") == 1, "it only reports")
    let shown = try #require(bench.hardware.device("pump")?.noEffect)
    #expect(shown.state == 1 && shown.before == 0.0625 && shown.after == 0.125)
    #expect(told == [shown])
    // It is found again, and shown as it was first.
    bench.wait(60_000)
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(6000)
    #expect(found(bench).count == 2 && told.count == 1)
    #expect(try bench.hardware.acknowledge("pump"))
    #expect(bench.hardware.device("pump")?.noEffect == nil && told == [shown, nil])
    #expect(try !bench.hardware.acknowledge("pump"))
    #expect(failure { () throws(HALError) in try bench.hardware.acknowledge("current") } != nil)
  }

  @Test func itGoesSafeWhereTheFileSaysSo() throws {
    let bench = bench(.safe)
    try bench.backend.inject("current", ["value": 0])
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(5000)
    #expect(bench.level("pump") == 0 && bench.reasons("pump") == ["command", "no-effect"])
    let change = try #require(bench.sink.of("device:changed").last)
    #expect(change.cause == found(bench).last?.id)
    #expect(bench.hardware.output("pump")?.holder == nil)
    #expect(bench.hardware.output("pump")?.awaitsAcknowledgement == true)
    // The safe state has its effect.
    bench.wait(20_000)
    #expect(found(bench).count == 1)
  }

  @Test func aRelayThatSticksIsToldAgain() throws {
    let bench = bench(.safe)
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(2000)
    // Contacts that are welded: the relay takes the command, and the current flows on.
    try bench.backend.inject("pump", "stuck")
    try bench.hardware.controlActuator("pump", .off, as: ann)
    bench.wait(4000)
    #expect(found(bench).isEmpty && bench.level("pump") == 1)
    try bench.backend.inject("pump", "none")
    bench.wait(1000)
    #expect(found(bench).isEmpty == false)
    let event = try #require(found(bench).first)
    #expect(event["state"] == 0.0 && event["before"] == 0.5 && event["after"] == 0.5)
    #expect(bench.level("pump") == 0, "the second command has let it go")
    #expect(bench.hardware.device("pump")?.noEffect?.state == 0)
    #expect(bench.reasons("pump") == ["command", "command"])
  }

  @Test func anEmergencyStopWatchesTheSafeState() throws {
    let bench = bench()
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(1000)
    try bench.backend.inject("pump", "stuck")
    bench.hardware.stopEverything(by: "client/ada")
    bench.wait(5000)
    #expect(found(bench).map { $0["state"] } == [0.0])
  }

  @Test func onlyReadingsAfterTheSwitchCount() throws {
    // It takes 300 ms to measure.
    let bench = bench()
    try bench.backend.inject("current", ["fault": "slow", "delay": "300ms"])
    try bench.backend.inject("current", ["value": 0.5])
    bench.wait(1100)
    // This reading began before the switch.
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(300)
    #expect(bench.hardware.device("current")?.watchers == 1)
    try bench.backend.inject("current", ["value": 0])
    bench.wait(5000)
    #expect(found(bench).map { $0["after"] } == [0.0])
  }

  @Test func aSensorThatIsSilentIsNoProof() throws {
    let bench = bench()
    try bench.backend.inject("current", "nack")
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(5000)
    let event = try #require(found(bench).first)
    #expect(event["after"] == .null && event["before"] == 0.0)
    #expect(event["detail"]?.string?.hasPrefix("no acknowledge") == true)
  }

  @Test func whatCannotBeJudgedIsSaid() throws {
    let bench = bench()
    bench.hardware.judgeEffect = { _, _, _, _ in .unknown("the clock is not trusted yet") }
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(5000)
    #expect(
      found(bench).first?["detail"] == "it is unknown whether there is an effect: the clock is not trusted yet")
  }

  @Test func aSensorOnDemandIsMeasuredMeanwhile() throws {
    let bench = bench(onDemand: true)
    #expect(bench.hardware.device("current")?.reading == nil)
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(1000)
    #expect(bench.hardware.device("current")?.reading?.value == 0.5 && bench.hardware.device("current")?.watchers == 0)
    bench.wait(10_000)
    #expect(found(bench).isEmpty)
  }

  @Test func onlyAChangeToOrFromTheSafeStateReplacesTheWatch() throws {
    let bench = bench()
    try bench.backend.inject("current", ["value": 0])
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(4000)
    // Another level does not put it off.
    try bench.hardware.controlActuator("pump", .level(0.5), as: ann)
    bench.wait(1000)
    #expect(found(bench).map { $0["state"] } == [0.5])
    // Off is as it should be, and so little time on is not judged.
    try bench.hardware.controlActuator("pump", .off, as: ann)
    bench.wait(1000)
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(4000)
    try bench.hardware.controlActuator("pump", .off, as: ann)
    bench.wait(10_000)
    #expect(found(bench).count == 1)
  }

  @Test func aLostOutputIsNotBlamed() throws {
    let bench = bench()
    try bench.backend.inject("current", ["value": 0])
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(1000)
    try bench.backend.inject("pump", "unplug")
    #expect(bench.hardware.device("current")?.watchers == 0)
    bench.wait(10_000)
    #expect(found(bench).isEmpty)
  }

  @Test func theTimeBeginsWithTheConfirmation() throws {
    let bench = bench(options: ["latency": "2s"])
    bench.wait(3000)
    try bench.backend.inject("current", ["value": 0])
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(6999)
    #expect(found(bench).isEmpty)
    bench.wait(1)
    #expect(found(bench).count == 1)
  }

  @Test func nothingIsWatchedAtTheEnd() throws {
    let bench = bench()
    try bench.backend.inject("current", ["value": 0])
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(1000)
    bench.hardware.close()
    bench.wait(10_000)
    #expect(found(bench).isEmpty && bench.clock.waiting == 0)
  }

  @Test func anInputMayNoticeIt() throws {
    let bench = GateBench([
      .input("flow"), .actuator("pump", ActuatorSettings(verify: Self.verify("flow", .report))),
      .actuator("valve", ActuatorSettings(verify: Self.verify("flow", .report))),
    ])
    bench.hardware.judgeEffect = { _, value, _, isSafe in (value == 1) != isSafe ? .seen : .unseen }
    try bench.hardware.controlActuator("pump", .on, as: ann)
    bench.wait(1000)
    try bench.backend.inject("flow", ["active": true])
    // It is active all the time.
    try bench.hardware.controlActuator("valve", .on, as: ann)
    bench.wait(6000)
    #expect(found(bench).isEmpty)
    try bench.hardware.controlActuator("pump", .off, as: ann)
    bench.wait(5000)
    #expect(found(bench).map { $0["device"] } == ["pump"])
    #expect(found(bench).first?["before"] == 1.0 && found(bench).first?["after"] == 1.0)
  }

  @Test func whatAnEarlierProcessFoundIsShown() throws {
    let bench = bench()
    let found = NoEffect(since: 7, state: 0, sensor: "current", before: 0.5, after: nil, unit: "A", detail: "silent")
    let stored = try #require(NoEffect(.map(found.fields)))
    #expect(stored == found)
    #expect(NoEffect(["since": 1]) == nil)
    var told: [DeviceID] = []
    bench.hardware.onNoEffect = { device, found in if found == nil { told.append(device) } }
    bench.hardware.recallNoEffects(["pump": found, "gone": found])
    #expect(bench.hardware.device("pump")?.noEffect == found && told == ["gone"])
  }
}

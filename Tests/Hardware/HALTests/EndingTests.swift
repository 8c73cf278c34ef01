import HAL
import HALTestKit
import Model
import Testing

/// Closing the gate while hardware refuses.
@Suite struct EndingTests {
  private let ann = Principal.named("agent/ann")

  /// The answer of `end`, and its time.
  private final class Answer {
    var refusals: [Hardware.Refusal]?
    var at: Instant?
  }

  private func end(_ bench: GateBench, _ mode: Hardware.Closing = .asDeclared, _ patience: Duration = .seconds(3))
    -> Answer
  {
    let answer = Answer()
    bench.hardware.end(mode, within: patience) {
      #expect(answer.refusals == nil, "answered twice")
      answer.refusals = $0
      answer.at = bench.clock.now
    }
    return answer
  }

  @Test func obedientOutputsAreNotWaitedFor() throws {
    let bench = GateBench([.actuator("fan"), .actuator("vent", ActuatorSettings(onExit: .hold))])
    try bench.hardware.controlActuator("vent", .on, as: ann)
    #expect(end(bench).refusals == [])
    #expect(bench.level("fan") == 0 && bench.level("vent") == 1)
    #expect(bench.clock.waiting == 0)
  }

  @Test func aRefusingOutputIsRetriedUntilItObeys() throws {
    let bench = GateBench([.actuator("fan"), .actuator("lamp")])
    for id in ["fan", "lamp"] as [DeviceID] { try bench.hardware.controlActuator(id, .on, as: ann) }
    try bench.backend.inject("fan", ["fault": "nack", "for": "1s"])
    let answer = end(bench)
    #expect(answer.refusals == nil && bench.level("lamp") == 0)
    let begin = bench.clock.now
    bench.wait(3000)
    #expect(answer.refusals == [] && bench.level("fan") == 0)
    #expect(try #require(answer.at) - begin < .seconds(2))
    #expect(bench.reasons("fan") == ["command", "shutdown"])
    #expect(bench.clock.waiting == 0)
  }

  @Test func outputsThatNeverObeyAreNamedInTime() throws {
    let bench = GateBench([.actuator("fan"), .actuator("lamp"), .actuator("vent", ActuatorSettings(onExit: .input))])
    for id in ["fan", "lamp", "vent"] as [DeviceID] { try bench.hardware.controlActuator(id, .on, as: ann) }
    for id in ["fan", "vent"] as [DeviceID] { try bench.backend.inject(id, "nack") }
    let answer = end(bench)
    bench.wait(2999)
    #expect(answer.refusals == nil && bench.backend.released("lamp") == nil)
    bench.wait(1)
    #expect(answer.refusals?.map(\.device) == ["fan", "vent"])
    #expect(answer.refusals?.first?.why == .failed("fan", operation: "set", .noAcknowledge))
    #expect(answer.refusals?.last?.why == .failed("vent", operation: "let go of", .noAcknowledge))
    #expect(bench.backend.released("lamp") == .safe)
    // No retry and no timer remains.
    #expect(bench.clock.waiting == 0)
  }

  @Test func theEndResetsALongBackOff() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(onExit: .hold))])
    try bench.backend.inject("fan", "nack")
    let error = failure { () throws(HALError) in try bench.hardware.controlActuator("fan", .on, as: ann) }
    #expect(error != nil && bench.hardware.refusals.map(\.device) == ["fan"])
    // By now the next retry is half a minute away.
    bench.wait(100_000)
    try bench.backend.inject("fan", "none")
    #expect(end(bench).refusals == [])
    #expect(bench.level("fan") == 0 && bench.hardware.refusals.isEmpty)
  }

  @Test func absentOutputsAreNotWaitedFor() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.backend.inject("fan", "unplug")
    let answer = end(bench)
    #expect(answer.refusals?.map(\.device) == ["fan"])
    #expect(answer.refusals?.allSatisfy(\.isGone) == true)
    #expect(bench.clock.waiting == 0)
  }

  @Test func aSlowBusIsWaitedFor() throws {
    let bench = GateBench([.actuator("fan", options: ["latency": "400ms"])])
    bench.wait(1000)
    try bench.hardware.controlActuator("fan", .on, lease: .seconds(60), as: ann)
    bench.wait(1000)
    let (answer, hung) = (end(bench), GateBench([.actuator("fan", options: ["latency": "4s"])]))
    bench.wait(399)
    #expect(answer.refusals == nil)
    bench.wait(1)
    #expect(answer.refusals == [] && bench.level("fan") == 0)
    // A hanging bus is not waited for longer than the patience.
    let other = end(hung)
    hung.wait(3000)
    #expect(other.refusals?.map(\.why) == [.unavailable("fan", "the hardware has not confirmed it")])
  }

  @Test func commandsAreRefusedDuringTheEnd() throws {
    let bench = GateBench([.actuator("fan"), .actuator("lamp", ActuatorSettings(onExit: .hold))])
    try bench.hardware.controlActuator("lamp", .on, as: ann)
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.backend.inject("fan", "nack")
    let answer = end(bench)
    for id in ["fan", "lamp"] as [DeviceID] {
      let error = failure { () throws(HALError) in try bench.hardware.controlActuator(id, .level(0.5), as: ann) }
      #expect(error == .unavailable(id, "the daemon is stopping"))
    }
    // An emergency stop still works.
    bench.hardware.stopEverything(by: "client/ada")
    #expect(bench.level("lamp") == 0 && answer.refusals == nil)
    bench.wait(3000)
    #expect(answer.refusals?.map(\.device) == ["fan"])
  }

  @Test func aSecondEndEndsTheWait() throws {
    let bench = GateBench([.actuator("fan")])
    try bench.hardware.controlActuator("fan", .on, as: ann)
    try bench.backend.inject("fan", "nack")
    let first = end(bench)
    let second = end(bench, .safe, .zero)
    #expect(first.refusals?.map(\.device) == ["fan"] && second.refusals == [])
    #expect(bench.clock.waiting == 0)
  }
}

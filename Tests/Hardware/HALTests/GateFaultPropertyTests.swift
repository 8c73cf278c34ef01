import HAL
import HALTestKit
import Model
import TestKit
import Testing

/// For any sequence of slow and failing outputs: rivals are never on together, and all outputs are safe in the end.
@Suite struct GateFaultPropertyTests {
  private static let devices: [Device] = [
    .actuator("vent", ActuatorSettings(exclusiveWith: ["lamp"], lease: .seconds(2)), options: ["latency": "40ms"]),
    .actuator("lamp", ActuatorSettings(maxOn: .seconds(3), lease: .seconds(2))),
  ]

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func rivalsNeverMeet(seed: UInt64) throws {
    let bench = GateBench(Self.devices)
    var random = SeededGenerator(seed &* 0x1234_5678_9abc_def1)
    let faults = ["nack", "timeout", "slow", "checksum", "unplug", "none"]
    var granted = 0
    for _ in 0..<1200 {
      let id: DeviceID = Bool.random(using: &random) ? "vent" : "lamp"
      if Int.random(in: 0..<6, using: &random) == 0 {
        let milliseconds = Int.random(in: 1...900, using: &random)
        try bench.backend.inject(
          id,
          [
            "fault": .string(faults.randomElement(using: &random)!), "for": .string("\(milliseconds)ms"),
            "delay": .string("\(Int.random(in: 1...400, using: &random))ms"),
          ])
      }
      let command: ActuatorCommand =
        [.on, .on, .off, .level(0.5), .pulse(.milliseconds(300))].randomElement(using: &random)!
      let error = failure { () throws(HALError) in
        try bench.hardware.controlActuator(id, command, as: Principal.named("agent/ann"))
      }
      if error == nil { granted += 1 }
      bench.wait(Int.random(in: 0...400, using: &random))
      let levels = (bench.level("vent") ?? 0, bench.level("lamp") ?? 0)
      #expect(levels.0 == 0 || levels.1 == 0, "vent \(levels.0), lamp \(levels.1)")
    }
    #expect(granted > 100)
    for id in ["vent", "lamp"] as [DeviceID] { try bench.backend.inject(id, "none") }
    bench.wait(60_000)
    #expect(bench.level("vent") == 0 && bench.level("lamp") == 0)
    #expect(bench.hardware.devices().allSatisfy { $0.fault == nil && $0.holder == nil })
    #expect(bench.sink.of("device:fault").count == bench.sink.of("device:recovered").count)
    #expect(bench.clock.waiting == 0)
    checkChain(bench)
  }

  /// Each published change of a device has the state of the change before as `previous`.
  private func checkChain(_ bench: GateBench) {
    var state: [String: Double] = [:]
    for event in bench.sink.of("device:changed") {
      #expect(event["previous"]?.double == state[event.source, default: 0])
      state[event.source] = event["state"]?.double
    }
    #expect(state.values.allSatisfy { $0 == 0 })
  }
}

import HAL
import HALSimulated
import HALTestKit
import Model
import TestKit
import Testing

/// For any sequence of commands, the levels of the outputs keep every limit.
@Suite struct GatePropertyTests {
  private static let devices: [Device] = [
    .actuator(
      "pump",
      ActuatorSettings(
        maxOn: .seconds(7), minOff: .seconds(2), maxRate: Rate(count: 6, per: .seconds(20)), exclusiveWith: ["lamp"],
        lease: .seconds(3))),
    .actuator("lamp", ActuatorSettings(maxOn: .seconds(4), lease: .seconds(9))),
    .actuator("fan", ActuatorSettings(minOff: .milliseconds(700), exclusiveWith: ["lamp"], lease: .seconds(1))),
    .actuator("brake", ActuatorSettings(safe: 1, maxOn: .seconds(5), maxRate: Rate(count: 2, per: .seconds(3)))),
  ]

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func limitsHold(seed: UInt64) throws {
    let bench = GateBench(Self.devices)
    var random = SeededGenerator(seed)
    let principals = (0..<3).map { Principal.named("agent/\($0)") }
    var granted = 0
    for _ in 0..<1500 {
      let id = Self.devices.randomElement(using: &random)!.id
      let principal = principals.randomElement(using: &random)!
      let lease: Duration? = Bool.random(using: &random) ? .milliseconds(Int.random(in: 1...9000, using: &random)) : nil
      let command: ActuatorCommand =
        switch Int.random(in: 0..<8, using: &random) {
        case 0...2: .on
        case 3: .off
        case 4...5: .level(Double(Int.random(in: 0...4, using: &random)) / 4)
        default: .pulse(.milliseconds(Int.random(in: 1...5000, using: &random)))
        }
      let override = Int.random(in: 0..<10, using: &random) == 0
      let holder = bench.hardware.device(id)?.holder
      let error = failure { () throws(HALError) in
        try bench.hardware.controlActuator(id, command, lease: lease, as: principal, override: override)
      }
      if error == nil {
        granted += 1
        #expect(holder == nil || holder == principal.name || override)
      }
      if Int.random(in: 0..<40, using: &random) == 0 { bench.hardware.releaseAll(holder: principal.name) }
      bench.wait(Int.random(in: 0...1200, using: &random))
      for status in bench.hardware.devices() {
        let isAway = status.reading?.value != (status.id == "brake" ? 1 : 0)
        #expect(isAway == (status.holder != nil), "\(status.id) away: \(isAway), holder: \(status.holder ?? "none")")
        #expect((status.leaseRemaining ?? .seconds(1)) > .zero)
      }
    }
    #expect(granted > 200)
    bench.wait(60000)
    for device in Self.devices { try check(bench, device) }
    #expect(bench.clock.waiting == 0)
    checkExclusive(bench, "lamp", "pump")
    checkExclusive(bench, "lamp", "fan")
  }

  /// The changes of an output's level, without repeated writes of the same level.
  private func changes(_ bench: GateBench, _ device: DeviceID) -> [OutputChange] {
    bench.backend.history(of: device).reduce(into: []) { changes, told in
      if changes.last?.level != told.level { changes.append(told) }
    }
  }

  /// The periods in which an output was away from its safe state.
  private func stretches(_ bench: GateBench, _ device: DeviceID, safe: Double) -> [Range<Instant>] {
    var result: [Range<Instant>] = []
    var since: Instant?
    for change in bench.backend.history(of: device) {
      if change.level != safe, since == nil { since = change.at }
      if change.level == safe, let start = since {
        result.append(start..<change.at)
        since = nil
      }
    }
    #expect(since == nil, "\(device) was left on")
    return result
  }

  private func check(_ bench: GateBench, _ device: Device) throws {
    guard case .actuator(let settings) = device.kind else { return }
    let stretches = stretches(bench, device.id, safe: settings.safe)
    #expect(stretches.count > 5)
    if let maxOn = settings.maxOn {
      for stretch in stretches { #expect(stretch.upperBound - stretch.lowerBound <= maxOn) }
    }
    if let minOff = settings.minOff {
      for (one, next) in zip(stretches, stretches.dropFirst()) {
        #expect(next.lowerBound - one.upperBound >= minOff)
      }
    }
    if let rate = settings.maxRate {
      let changes = changes(bench, device.id).dropFirst()
      for change in changes where change.level != settings.safe {
        let before = changes.filter { $0.at <= change.at && change.at - $0.at < rate.per }
        // Of several changes at one instant, later ones are checked in their own turn.
        let later = before.filter { $0.at == change.at }.count - 1
        #expect(before.count - later <= rate.count)
      }
    }
  }

  private func checkExclusive(_ bench: GateBench, _ one: DeviceID, _ other: DeviceID) {
    let others = stretches(bench, other, safe: 0)
    for stretch in stretches(bench, one, safe: 0) {
      #expect(!others.contains { $0.overlaps(stretch) })
    }
  }
}

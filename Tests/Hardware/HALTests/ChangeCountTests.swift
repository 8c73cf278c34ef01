import Model
import Testing

@testable import HAL

/// Changes restored from the previous process.
@Suite struct ChangeCountTests {
  private final class Kept: ChangeStore {
    var left: [ActuatorChange]
    init(_ left: [ActuatorChange]) { self.left = left }
    func changes(of device: DeviceID) -> [ActuatorChange] { left }
    func keep(_ changes: [ActuatorChange], of device: DeviceID) { left = changes }
  }

  private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }

  /// The daemon was killed while "off" was under way, and the hardware confirmed only the next daemon's command.
  @Test func changesUnderWayCountFromTheirConfirmation() {
    var count = ChangeCount("pump", Rate(count: 2, per: .seconds(10)))
    let kept = Kept([
      ActuatorChange(at: at(1), leadsAway: true, isUnderWay: false),
      ActuatorChange(at: at(2), leadsAway: false, isUnderWay: true),
    ])
    count.recall(kept, at(3))
    #expect(count.wait(at: at(3)) == .seconds(8))
    count.settled(at(7))
    #expect(kept.left.map(\.at) == [at(1), at(7)] && kept.left.allSatisfy { !$0.isUnderWay })
    count.note(at(11), leadsAway: true)
    #expect(count.wait(at: at(13.5)) == .seconds(3.5))
  }
}

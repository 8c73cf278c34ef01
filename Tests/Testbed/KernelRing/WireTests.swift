import HAL
import KernelTestKit
import Model

// Outputs wired to inputs, on a real board or between simulated chips.
extension RingTests {
  static var wires: [RingTest] {
    [
      RingTest("wires: an input follows the output that it is wired to") { ring in
        let wires = try Wire.all(of: ring.board)
        if wires.isEmpty { throw Skip("the board file lists no wires (world.wires)") }
        for wire in wires {
          let stand = try Stand(ring.board, [wire.from, wire.to])
          defer { stand.close() }
          for id in [wire.from, wire.to] {
            if let device = stand.hardware.device(id), device.state == "gone" {
              throw Skip("\(id): \(device.fault ?? "it is not there")")
            }
          }
          try follow(wire, stand)
        }
        ring.note(wires.map { "\($0.from) → \($0.to)" }.joined(separator: ", "))
      }
    ]
  }

  private static func follow(_ wire: Wire, _ stand: Stand) throws {
    func isActiveLow(_ id: DeviceID) -> Bool { stand.board.device(id)?.options["active_low"] == .bool(true) }
    let turnsRound = isActiveLow(wire.from) != isActiveLow(wire.to)
    for round in 0...4 {
      let on = round % 2 == 1
      let before = stand.events("input:\(wire.to)").count
      if round > 0 { try stand.control(wire.from, on ? .on : .off, lease: .seconds(60)) }
      try wire.carry()
      let wanted = on != turnsRound ? 1.0 : 0
      try stand.wait("\(wire.to) following \(wire.from), which is \(on ? "on" : "off")", polling: pace) {
        try stand.hardware.latestReading(wire.to, as: Stand.everybody).value == wanted
      }
      // The line had its level before the first command, or reached it without an edge.
      if round > 0 {
        let edge = try stand.wait(for: "input:\(wire.to)", count: before + 1)
        try expect(edge["active"], is: .bool(wanted == 1), "the edge at \(wire.to)")
      }
      stand.turn(for: pace)
    }
  }
}

import Launcher
import Model
import TestKit

/// Packets of the launcher's protocol, as launcher and daemon parse them: each is parsed or ignored, a parsed plan is
/// sound, and what is written is read again.
///
/// Only the parsing: a launcher would execute the programs of random plans.
package final class LauncherTarget: FuzzTarget {
  package let name = "launcher"
  package let form = InputForm.packets
  package let longest = 4096
  package let words = ["OL", "\u{1}\u{1}", "/usr/bin/bwrap", "agent-1", "A=b", "\u{0}\u{0}\u{0}\u{0}"]

  /// A target.
  package init() {}

  package func seeds() -> [[UInt8]] {
    var random = SeededGenerator(1)
    return (0..<24).map { _ in Packets.join((0..<4).map { _ in Self.message(&random).bytes }) }
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard random.next() % 3 != 0 else { return nil }
    var packets = Packets.split(pool.any(&random)) + [Self.message(&random).bytes]
    for index in packets.indices where random.next() % 2 == 0 && packets[index].count > 8 {
      let at = Int.random(in: 0..<packets[index].count, using: &random)
      packets[index][at] = UInt8.random(in: 0...255, using: &random)
      if random.next() % 4 == 0 { packets[index].removeLast() }
      // Usually repair the length field, or most packets would be rejected early.
      guard random.next() % 8 != 0, packets[index].count >= 8 else { continue }
      let count = packets[index].count
      for place in 0..<4 { packets[index][4 + place] = UInt8(truncatingIfNeeded: count >> (place * 8)) }
    }
    return Array(Packets.join(packets).prefix(longest))
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    for packet in Packets.split(input) {
      guard let message = LauncherMessage(packet) else { continue }
      // Marks ignore digits.
      seen.note(String(repeating: "k", count: Int(packet[3])) + String(repeating: "n", count: packet.count / 64))
      if case .start(let plan) = message {
        try require(plan.isSound, "a plan that is not sound: \(plan)")
        try require(plan.words.first?.first == UInt8(ascii: "/"), "a program without a full path: \(plan.words)")
      }
      try require(message.bytes.count <= LauncherMessage.longest, "a packet of \(message.bytes.count) bytes")
      try require(LauncherMessage(message.bytes) == message, "it does not read what it writes: \(message)")
    }
  }

  private static func message(_ random: inout SeededGenerator) -> LauncherMessage {
    let id = UInt32.random(in: 0...4, using: &random)
    switch Int.random(in: 0..<9, using: &random) {
    case 0, 1:
      var limits = LaunchLimits()
      limits.memory = random.next() >> (random.next() % 64)
      limits.tasks = UInt32.random(in: 0...64, using: &random)
      let words = (0..<Int.random(in: 0...4, using: &random)).map { _ in random.bytes(0...40) }
      return .start(
        LaunchPlan(
          id: id, name: Array("agent-\(id)".utf8), words: [Array("/usr/bin/bwrap".utf8)] + words,
          environment: [Array("A=b".utf8)], limits: limits))
    case 2: return .signal(id: id, number: Int32.random(in: 0...64, using: &random))
    case 3: return .kill(id: id)
    case 4: return .measure(id: id)
    case 5:
      return .ready(
        LauncherFacts(uid: id, controllers: .init(rawValue: UInt8.random(in: 0...15, using: &random)), landlock: 4))
    case 6: return .started(id: id, pid: Int32.random(in: 0...99_999, using: &random))
    case 7: return .refused(id: id, step: .execute, errno: 2)
    default: return .usage(id: id, LaunchUsage(cpu: random.next() >> 20, memory: random.next() >> 30))
    }
  }
}

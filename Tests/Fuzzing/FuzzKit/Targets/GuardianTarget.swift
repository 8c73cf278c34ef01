import CLinux
import Glibc
import Guardian
import GuardianTestKit
import Linux
import Model
import TestKit
import Wire

/// Packets to the guardian from its daemon and from the next one: each is parsed or ignored, parsed records are within
/// their limits, and the program still ends when it is told to.
///
/// Packets use the living daemon's connection. After a packet of kind 16, 17 or 18 that daemon is gone, and the packets
/// come from its successor. A packet is sent with as many descriptors as its record names.
package final class GuardianTarget: FuzzTarget {
  package let name = "guardian"
  package let form = InputForm.packets
  package let longest = 4096
  package let words = ["OG", "\u{1}\u{2}", "fan", "0\n", "\u{0}\u{0}\u{0}\u{0}"]
  private let path: String
  private let program: String?
  /// The guardian's standard error.
  private let log = unsafe openstarry_memfd_create("log")

  /// - Parameters:
  ///   - folder: for the guardian's socket.
  ///   - program: the path of the guardian; nil tests only the parsing of packets.
  package init(folder: String, program: String?) {
    path = "\(folder)/guardian"
    self.program = program
  }

  package var limitation: String? {
    program == nil ? "without openstarry-guardian beside this program: packets only" : nil
  }

  package func seeds() throws -> [[UInt8]] {
    var random = SeededGenerator(1)
    return (0..<32).map { _ in Packets.join((0..<6).map { _ in Self.message(&random).bytes }) }
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard random.next() % 3 != 0 else { return nil }
    var packets =
      Bool.random(using: &random)
      ? Packets.split(pool.any(&random))
      : (0..<Int.random(in: 1...12, using: &random)).map { _ in Self.message(&random).bytes }
    for index in packets.indices where random.next() % 3 == 0 && packets[index].count > 8 {
      let at = Int.random(in: 0..<packets[index].count, using: &random)
      switch random.next() % 4 {
      case 0: packets[index][at] = UInt8.random(in: 0...255, using: &random)
      case 1: packets[index].remove(at: at)
      case 2: packets[index].insert(UInt8.random(in: 0...255, using: &random), at: at)
      default: packets[index] = Self.message(&random).bytes
      }
      // Usually repair the length field, or most packets would be rejected early.
      if random.next() % 8 != 0, packets[index].count >= 8 {
        let count = packets[index].count
        for place in 0..<4 { packets[index][4 + place] = UInt8(truncatingIfNeeded: count >> (place * 8)) }
      }
    }
    return Array(Packets.join(packets).prefix(longest))
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    let packets = Packets.split(input)
    var isUnderstood = false
    for packet in packets {
      guard let message = GuardianMessage(packet) else { continue }
      isUnderstood = true
      // Marks ignore digits.
      seen.note(String(repeating: "k", count: Int(packet[3])) + String(repeating: "n", count: packet.count / 64))
      try Self.check(message)
    }
    if isUnderstood, program != nil { try converse(packets) }
  }

  private static func check(_ message: GuardianMessage) throws(Violation) {
    let most = GuardianRecord.mostDescriptors
    switch message {
    case .protect(let record): try require(record.isSound(descriptors: most), "a record beyond its limits: \(record)")
    case .kept(let output):
      try require(output.record.isSound(descriptors: most), "a record beyond its limits: \(output)")
      if let hold = output.hold { try require((0...1).contains(hold.level), "a level of \(hold.level)") }
    case .overruled(let output): try require((0...1).contains(output.hold.level), "a level of \(output.hold.level)")
    case .lapse(_, let steps): try require(steps.count <= GuardianRecord.mostSteps, "\(steps.count) steps")
    default: break
    }
    try require(message.bytes.count <= GuardianMessage.longest, "a packet of \(message.bytes.count) bytes")
    try require(GuardianMessage(message.bytes) == message, "it does not read what it writes: \(message)")
  }

  // MARK: The program

  private func converse(_ packets: [[UInt8]]) throws {
    let (ours, theirs) = try UnixSocket.pair(packets: true)
    Files.remove(path)
    let listener = try UnixSocket.listen(path, mode: 0o600, packets: true)
    let file = try System.open("/dev/null", O_RDWR | O_CLOEXEC)
    let guardian = try start([theirs, listener.number])
    Glibc.close(theirs)
    // Wait for `ready`: before it, the guardian does not handle signals or the daemon's end.
    var first = [UInt8](repeating: 0, count: GuardianMessage.longest)
    // SAFETY: the array has the given size. The process's alarm limits the wait.
    let count = unsafe recv(ours, &first, first.count, 0)
    try require(count > 0 && GuardianMessage(Array(first.prefix(count))) == .ready, "the guardian does not come up")
    var daemon: Int32? = ours
    var successor: Descriptor?
    for packet in packets {
      let isNext = packet.count > 3 && (16...18).contains(packet[3])
      if isNext, daemon != nil {
        Glibc.close(ours)
        daemon = nil
        successor = try? UnixSocket.connect(path, packets: true)
        if let number = successor?.number { try? System.setNonBlocking(number) }
      }
      var count = 0
      if case .protect(let record)? = GuardianMessage(packet) {
        count = Int(record.steps.map(\.descriptor).max() ?? 0) + 1
      } else if packet.count > 3, packet[3] == 1 {
        count = 1
      }
      let beside = [Int32](repeating: file.number, count: min(count, Int(OPENSTARRY_MOST_DESCRIPTORS)))
      let socket = daemon ?? successor?.number ?? -1
      // SAFETY: both arrays are valid for their counts during the call. It fails when the guardian has closed.
      _ = unsafe openstarry_send_message(socket, packet, packet.count, beside, beside.count)
    }
    if let daemon { Glibc.close(daemon) }
    kill(guardian, SIGTERM)
    let code = try Self.end(of: guardian)
    try require(code == 0, "the guardian ends with \(code > 128 ? "signal \(code - 128)" : "code \(code)")")
    for line in try Files.read("/proc/self/fd/\(log)").split(separator: 10) {
      let text = String(decoding: line, as: UTF8.self)
      try require(text.printable == text, "a line with control characters: \(text.debugDescription)")
    }
  }

  /// Starts the guardian with its standard error redirected to `log`.
  private func start(_ descriptors: [Int32]) throws -> Int32 {
    let ours = openstarry_fcntl(2, F_DUPFD_CLOEXEC, 10)
    defer {
      dup2(ours, 2)
      Glibc.close(ours)
    }
    ftruncate(log, 0)
    lseek(log, 0, SEEK_SET)
    dup2(log, 2)
    return try Spawn.start(program ?? "", ["openstarry-guardian"], environment: [], descriptors: descriptors)
  }

  /// Waits for its end, for up to twenty seconds.
  private static func end(of process: Int32) throws -> Int32 {
    for _ in 0..<20_000 {
      var status: Int32 = 0
      // SAFETY: writes the status into the local.
      if unsafe waitpid(process, &status, WNOHANG) == process {
        let signal = openstarry_exit_signal(status)
        return signal != 0 ? 128 + signal : openstarry_exit_code(status)
      }
      // The guardian must notice the daemon's death before SIGTERM, which it ignores while its daemon lives.
      kill(process, SIGTERM)
      Pause.wait(nanoseconds: 1_000_000)
    }
    kill(process, SIGKILL)
    _ = try Spawn.wait(for: process)
    throw Violation("the guardian does not end within 20 s of its daemon's end and SIGTERM")
  }

  // MARK: Messages

  private static func record(_ random: inout SeededGenerator) -> GuardianRecord {
    GuardianRecord(
      device: device(&random), identity: random.bytes(0...GuardianRecord.longestIdentity),
      slot: UInt32.random(in: 0...2000, using: &random),
      policy: [.safe, .hold, .input].randomElement(using: &random) ?? .safe,
      steps: (0..<Int.random(in: 0...GuardianRecord.mostSteps, using: &random)).map { _ in .random(&random) })
  }

  /// A device id, often one of three, so that several packets concern the same device.
  private static func device(_ random: inout SeededGenerator) -> [UInt8] {
    Bool.random(using: &random) ? [UInt8.random(in: 0x61...0x63, using: &random)] : random.bytes(1...64)
  }

  private static func message(_ random: inout SeededGenerator) -> GuardianMessage {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: .page
    case 1, 2, 3: .protect(record(&random))
    case 4: .withdraw(device: device(&random))
    case 5: .charge
    case 6: .leave(staying: Bool.random(using: &random))
    case 7: .hello
    case 8: .discard(device: device(&random))
    case 9: .watch(deadline: random.next() >> (random.next() % 64))
    case 10:
      .lapse(
        device: device(&random),
        steps: (0..<Int.random(in: 0...GuardianRecord.mostSteps, using: &random)).map { _ in .random(&random) })
    default: [.end, .take, .ready, .refused(pid: 1)].randomElement(using: &random) ?? .end
    }
  }
}

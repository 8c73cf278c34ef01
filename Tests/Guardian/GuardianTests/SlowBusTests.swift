import CLinux
import Glibc
import Guardian
import Linux
import TestKit
import Testing
import Wire

@testable import GuardianClient

/// A process that is killed with its test.
private final class Guarding {
  let pid: Int32

  init(pid: Int32) { self.pid = pid }

  deinit {
    kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }
}

/// The real guardian and a hanging bus. Outputs that cannot block are files; `/dev/null` is the hanging bus and
/// `/dev/zero` another one. The test plays the daemon.
@Suite(.enabled(if: SlowBus.library != nil, "a slow bus needs a C compiler"))
struct SlowBusTests {
  private let bus: SlowBus
  private let folder: TemporaryFolder
  private let daemon: GuardianSocket
  private let guardian: Guarding
  private let map: HolderMap
  private var path: String { "\(folder.path)/guardian" }

  private static let hung: UInt8 = 3
  private static let other: UInt8 = 5

  init() throws {
    bus = try SlowBus()
    folder = try TemporaryFolder()
    map = try HolderMap(slots: 8)
    let listener = try UnixSocket.listen("\(folder.path)/guardian", mode: 0o600, packets: true)
    let (ours, theirs) = try UnixSocket.pair(packets: true)
    daemon = GuardianSocket(Descriptor(owning: ours), peer: "guardian", patience: 20_000)
    let end = Descriptor(owning: theirs)
    guardian = Guarding(
      pid: try Spawn.start(
        try program("openstarry-guardian"), ["openstarry-guardian"], environment: bus.environment,
        descriptors: [end.number, listener.number], ownSession: true))
    try #require(isUp(guardian.pid))
    try daemon.send(.page, [map.file.number])
  }

  private func protect(_ name: String, slot: UInt32, _ policy: GuardianRecord.Policy, on node: String? = nil) throws {
    if node == nil { try folder.write(name, "1") }
    let file = try System.open(node ?? "\(folder.path)/\(name)", O_RDWR)
    let action = node == nil ? GuardianStep.Action.write([0x30]) : .transfer(address: 0x40, [6, 0])
    let record = GuardianRecord(
      device: Array(name.utf8), identity: [], slot: slot, policy: policy, steps: [GuardianStep(0, action)])
    try daemon.send(.protect(record), [file.number])
  }

  private func hold(_ slot: Int, for milliseconds: UInt64) -> UInt64 {
    let now = System.monotonicNanoseconds()
    let deadline = now + milliseconds * 1_000_000
    map.page.hold(slot, level: 1, deadline: deadline, since: now, isCutByMaxOn: false, holder: "agent/a".utf8)
    return deadline
  }

  private func text(_ name: String) throws -> String { String(decoding: try folder.bytes(name), as: UTF8.self) }

  private func die() { shutdown(daemon.number, Int32(SHUT_RDWR)) }

  private func isOver(_ time: UInt64) -> Bool { eventually { System.monotonicNanoseconds() > time } }

  @Test func atMostOneTransferPrecedesALeaseThatEnds() throws {
    for index in 0..<3 { try protect("servo\(index)", slot: UInt32(index), .safe, on: "/dev/null") }
    try protect("lamp", slot: 3, .hold)
    try protect("horn", slot: 4, .safe)
    let deadline = hold(3, for: 500)
    try daemon.send(.charge)
    die()
    #expect(try bus.transfer() == Self.hung)
    // Outputs that cannot block come first.
    #expect(try text("horn") == "0")
    #expect(isOver(deadline))
    try bus.end()
    #expect(try bus.transfer() == Self.hung)
    #expect(try text("lamp") == "0")
  }

  @Test func theOrderIsTheSameWhileTheDaemonIsStuck() throws {
    for index in 0..<3 { try protect("servo\(index)", slot: UInt32(index), .safe, on: "/dev/null") }
    try protect("lamp", slot: 3, .safe)
    let deadlines = [hold(0, for: 0), hold(1, for: 0), hold(2, for: 0), hold(3, for: 500)]
    try daemon.send(.charge)
    try daemon.send(.watch(deadline: deadlines[0]))
    #expect(try bus.transfer() == Self.hung)
    #expect(try text("lamp") == "1")
    #expect(isOver(LeaseWatch.look(deadlines[3])))
    try bus.end()
    #expect(try bus.transfer() == Self.hung)
    #expect(try text("lamp") == "0")
    // The daemon is awake again and has ended the other leases itself: the guardian leaves them alone.
    for slot in 0..<3 { map.page.release(slot) }
    try bus.end(well: true)
    #expect(try daemon.receive()?.message == .ready)
    guard case .overruled(let output) = try daemon.receive()?.message else {
      Issue.record("the lamp was not reported")
      return
    }
    #expect(output.device == Array("lamp".utf8) && output.errno == 0)
    try daemon.send(.end)
    #expect(eventually { !isAlive(guardian.pid) })
  }

  @Test func anotherBusIsNotDelayed() throws {
    for index in 0..<3 { try protect("servo\(index)", slot: UInt32(index), .safe, on: "/dev/null") }
    for index in 3..<5 { try protect("valve\(index)", slot: UInt32(index), .safe, on: "/dev/zero") }
    try daemon.send(.charge)
    die()
    var turns: [UInt8] = []
    for _ in 0..<6 {
      turns.append(try bus.transfer())
      try bus.end(well: turns.last == Self.other)
    }
    #expect(turns == [Self.hung, Self.other, Self.hung, Self.other, Self.hung, Self.hung])
  }

  /// The next daemon asks while the first transfers are under way.
  @Test func theNextDaemonIsAnsweredBetweenTwoTransfers() throws {
    for index in 0..<2 { try protect("servo\(index)", slot: UInt32(index), .safe, on: "/dev/null") }
    try protect("lamp", slot: 2, .hold)
    let deadline = hold(2, for: 500)
    try daemon.send(.charge)
    die()
    #expect(try bus.transfer() == Self.hung)
    let successor = GuardianSocket(try UnixSocket.connect(path, packets: true), peer: "guardian", patience: 20_000)
    try successor.send(.hello)
    try bus.end()
    guard case .report(let report) = try successor.receive()?.message else {
      Issue.record("no report")
      return
    }
    var outcomes: [KeptOutput.Outcome] = []
    for _ in 0..<report.outputs {
      guard let (message, numbers) = try successor.receive(), case .kept(let output) = message else { break }
      for number in numbers { close(number) }
      outcomes.append(output.outcome)
      if output.outcome == .failed { #expect(output.errno == EINPROGRESS) }
    }
    #expect(outcomes == [.failed, .failed, .held])
    // Discarded outputs are retried; a lease that ends meanwhile waits for one transfer.
    for index in 0..<2 { try successor.send(.discard(device: Array("servo\(index)".utf8))) }
    #expect(try bus.transfer() == Self.hung)
    #expect(isOver(deadline))
    try bus.end()
    #expect(try bus.transfer() == Self.hung)
    #expect(try text("lamp") == "0")
    try successor.send(.take)
    try bus.heal()
    var discarded = 0
    while let (message, numbers) = try successor.receive() {
      for number in numbers { close(number) }
      if case .discarded(_, let errno) = message, errno == 0 { discarded += 1 }
    }
    #expect(discarded == 2)
    #expect(eventually { !isAlive(guardian.pid) })
  }

  /// A guardian that hangs on a bus must not drive outputs that the next daemon has taken over.
  @Test func aGuardianThatHangsDuringTakeIsKilled() throws {
    for index in 0..<8 {
      try protect("servo\(index)", slot: UInt32(index), .hold, on: "/dev/null")
      _ = hold(index, for: 60_000)
    }
    try daemon.send(.charge)
    die()
    // Wait until it has noticed the daemon's end.
    var found: Predecessor?
    _ = eventually {
      if case .predecessor(let predecessor) = Predecessor.find(at: path) { found = predecessor }
      return found != nil
    }
    let predecessor = try #require(found)
    #expect(predecessor.outputs.map(\.outcome) == [KeptOutput.Outcome](repeating: .held, count: 8))
    predecessor.finish()
    #expect(try bus.transfer() == Self.hung)
    #expect(!isAlive(guardian.pid))
  }
}

import Glibc
import Linux
import Model
import Testing

@testable import Tokens

@Suite struct FullMemoryTests {
  /// A folder in memory that really is full, at any byte of a record.
  @Test func aFullFolderRefusesCallsAndForgetsNothing() throws {
    let machine = try Machine(limits: ["agent/a": limits("100k/h")], opens: false)
    try Files.makeFolder(machine.run)
    let mounted = unsafe mount("none", machine.run, "tmpfs", 0, "size=32k")
    guard mounted == 0 else {
      print("skipped: a small file system cannot be mounted here: \(SystemError("mount", machine.run))")
      return
    }
    defer { _ = unsafe umount2(machine.run, Int32(MNT_DETACH)) }
    machine.ledger.open { _ in }
    machine.queue.run()
    var (open, refused): ([TokenCallID], String?) = ([], nil)
    while refused == nil, open.count < 1000 {
      switch machine.reserve(.of(10)) {
      case .success(let id)?: open.append(id)
      case .failure(.notStored(let why))?: refused = why
      case let other: Issue.record("neither admitted nor refused for the journal: \(String(describing: other))")
      }
    }
    #expect(open.count > 100 && open.count < 1000)
    #expect(refused?.hasSuffix("journal: No space left on device") == true, "\(refused ?? "")")
    #expect(machine.ledger.status(of: "agent/a")[0].inFlight == Int64(open.count) * 10)
    func usedAfterKill() throws -> Int64 {
      try Machine(machine.files(), clock: machine.clock, limits: ["agent/a": limits("100k/h")]).used("agent/a")[0]
    }
    #expect(try usedAfterKill() == Int64(open.count) * 10)
    // The ends cannot be written either, but none is forgotten; one used more than was reserved.
    for id in open.dropFirst() { machine.ledger.settle(id, TokenUsage(prompt: 2, completion: 0)) }
    machine.ledger.settle(open[0], TokenUsage(prompt: 500, completion: 0))
    machine.queue.run()
    let used = 500 + Int64(open.count - 1) * 2
    #expect(machine.used("agent/a")[0] == used)
    #expect(try usedAfterKill() >= used)
    // A shorter journal has room.
    let id = try machine.admitted(.of(10))
    machine.ledger.release(id)
    #expect(try usedAfterKill() == used)
    #expect(machine.problems.count == 2)
  }
}

import Linux
import Model
import Testing

@testable import Tokens

/// Cuts after every write, and at every byte of a record and of the registry's log.
@Suite struct CutTests {
  /// The machine at one moment, and what is true then.
  private struct Moment {
    var files: SavedFiles
    /// What was sent or charged, for each account: reported use, else what was reserved.
    var sent: [String: Int64]
    /// The same, without an excess that no mark can cover yet.
    var covered: [String: Int64]
    var time: Duration
    var what: String
  }

  private static let accounts = ["agent/a", "agent/b", "board"]

  /// Runs some calls, and notes a moment after each write.
  private final class Recording {
    var moments: [Moment] = []
    private let machine: Machine
    private var sent: [String: Int64] = [:]
    private var excess: [String: Int64] = [:]
    private var time = Duration.zero

    init() throws {
      machine = try Machine(limits: CutTests.limits())
      machine.queue.onWork = { [unowned self] in
        // The work of a commit that was submitted before the excess was charged does not cover it.
        note("a write to the disk")
      }
    }

    func note(_ what: String) {
      guard let files = try? machine.files() else { return }
      var covered = sent
      for (account, amount) in excess { covered[account, default: 0] -= amount }
      moments.append(Moment(files: files, sent: sent, covered: covered, time: time, what: what))
    }

    func reserve(_ tokens: Int64, _ agent: AgentID) -> TokenCallID? {
      var id: TokenCallID?
      let call = TokenCall.of(tokens, agent: agent)
      machine.ledger.reserve(call) { [self] result in
        guard case .success(let admitted) = result else { return }
        id = admitted
        for account in call.accounts { sent[account, default: 0] += tokens }
        note("\(admitted) sent")
      }
      note("reserved")
      while machine.queue.pending > 0 {
        machine.queue.step()
        note("a step of the disk")
      }
      return id
    }

    func end(_ id: TokenCallID?, _ agent: AgentID, _ reserved: Int64, used: Int64?, isReleased: Bool = false) {
      guard let id else { return }
      let used = isReleased ? 0 : used ?? reserved
      for account in ["agent/\(agent)", "board"] {
        sent[account, default: 0] += used - reserved
        if used > reserved { excess[account, default: 0] += used - reserved }
      }
      if isReleased {
        machine.ledger.release(id)
      } else {
        machine.ledger.settle(id, TokenUsage(prompt: used, completion: 0))
      }
      note("\(id) ended")
      while machine.queue.pending > 0 {
        machine.queue.step()
        note("a step of the disk")
      }
      excess = [:]
      note("at rest")
    }

    func pass(_ duration: Duration) {
      machine.clock.advance(by: duration)
      time += duration
      note("later")
    }
  }

  private static func limits() throws -> [String: TokenLimits] {
    [
      "agent/a": try TokenLimits(tokens: ["1k/h"]), "agent/b": try TokenLimits(tokens: ["3000"]),
      "board": try TokenLimits(tokens: ["4k/d"]),
    ]
  }

  private static func recording() throws -> [Moment] {
    let recording = try Recording()
    recording.note("start")
    let first = recording.reserve(100, "a")
    let second = recording.reserve(200, "b")
    recording.end(first, "a", 100, used: 30)
    let third = recording.reserve(120, "a")
    recording.end(third, "a", 120, used: 0, isReleased: true)
    recording.end(second, "b", 200, used: nil)
    let fourth = recording.reserve(50, "a")
    recording.end(fourth, "a", 50, used: 400)
    recording.pass(.seconds(60))
    let fifth = recording.reserve(300, "a")
    let sixth = recording.reserve(1000, "b")
    recording.end(sixth, "b", 1000, used: 999)
    recording.end(fifth, "a", 300, used: 1)
    return recording.moments
  }

  /// Starts a ledger on files, and gives what is used.
  private func used(_ files: SavedFiles, boot: String, after time: Duration) throws -> [String: Int64] {
    let clock = ManualClock()
    clock.advance(by: time)
    let machine = try Machine(files, boot: boot, clock: clock, limits: Self.limits())
    let used = Dictionary(uniqueKeysWithValues: Self.accounts.map { ($0, machine.used($0)[0]) })
    // A second start changes nothing: nothing is charged twice.
    let again = try Machine(machine.files(), boot: boot, clock: clock, limits: Self.limits())
    for account in Self.accounts { #expect(again.used(account)[0] == used[account]) }
    // What is left can be used, and no more.
    for (account, limit) in [("agent/a", Int64(1000)), ("agent/b", 3000)] {
      let rest = min(limit - (used[account] ?? 0), 4000 - (used["board"] ?? 0))
      let call = TokenCall(accounts: [account, "board"], tokens: rest + 1, agent: "x", model: "m")
      if case .failure(.overLimit)? = machine.reserve(call) {} else { Issue.record("more than the limit was admitted") }
    }
    return used
  }

  @Test func aCutAfterAnyWriteForgetsNothing() throws {
    let moments = try Self.recording()
    #expect(moments.count > 40)
    for moment in moments {
      let same = try used(moment.files, boot: "boot-1", after: moment.time)
      for account in Self.accounts { #expect(same[account] == moment.sent[account] ?? 0, "\(account): \(moment.what)") }
      var cut = moment.files
      cut.journal = nil
      let other = try used(cut, boot: "boot-2", after: moment.time)
      for account in Self.accounts {
        #expect(other[account] ?? 0 >= moment.covered[account] ?? 0, "\(account): \(moment.what)")
      }
    }
  }

  @Test func aCutAtAnyByteOfTheJournalForgetsNothing() throws {
    let moments = try Self.recording()
    var cuts = 0
    for (before, after) in zip(moments, moments.dropFirst()) {
      guard let new = after.files.journal, before.files.journal != new else { continue }
      let old = before.files.journal ?? []
      // A new file appears as a whole, by renaming.
      guard !old.isEmpty, new.starts(with: old) else { continue }
      for length in old.count..<new.count {
        cuts += 1
        var files = after.files
        files.journal = Array(new[..<length])
        let same = try used(files, boot: "boot-1", after: after.time)
        for account in Self.accounts {
          let allowed = [before.sent[account] ?? 0, after.sent[account] ?? 0]
          #expect(allowed.contains(same[account] ?? 0), "\(account): \(length) of \(new.count), \(after.what)")
        }
      }
    }
    #expect(cuts > 700)
  }

  @Test func aCutInsideACommitForgetsNothing() throws {
    let moments = try Self.recording()
    let log = "registry.db-wal"
    var cuts = 0
    for (before, after) in zip(moments, moments.dropFirst()) {
      let (old, new) = (before.files.registry[log] ?? [], after.files.registry[log] ?? [])
      guard old.count < new.count else { continue }
      for length in Array(stride(from: old.count, to: new.count, by: 509)) + [new.count - 1] {
        cuts += 1
        for boot in ["boot-1", "boot-2"] {
          var files = before.files
          for (name, bytes) in after.files.registry where files.registry[name] == nil { files.registry[name] = bytes }
          files.registry[log] = Array(new[..<length])
          if boot == "boot-2" { files.journal = nil }
          let found = try used(files, boot: boot, after: before.time)
          for account in Self.accounts {
            let used = found[account] ?? 0
            if boot == "boot-1" { #expect(used == before.sent[account] ?? 0, "\(account): \(before.what)") }
            #expect(used >= before.covered[account] ?? 0, "\(account): \(before.what)")
          }
        }
      }
    }
    #expect(cuts > 50)
  }

  /// A flipped bit anywhere in the journal: it is found, and the marks count. A damaged end is never taken for calls.
  @Test func aDamagedJournalForgetsNothing() throws {
    let moments = try Self.recording()
    let last = try #require(moments.last)
    let journal = try #require(last.files.journal)
    for place in journal.indices {
      var files = last.files
      files.journal?[place] ^= 1 << UInt8(place % 8)
      let found = try used(files, boot: "boot-1", after: last.time)
      for account in Self.accounts {
        #expect(found[account] ?? 0 >= last.sent[account] ?? 0, "\(account): byte \(place)")
      }
    }
    for length in [0, 1, 3] {
      var files = last.files
      files.journal = Array(journal[..<length])
      let found = try used(files, boot: "boot-1", after: last.time)
      for account in Self.accounts { #expect(found[account] ?? 0 >= last.sent[account] ?? 0) }
    }
  }
}

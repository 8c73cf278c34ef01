import Linux
import Model
import Store
import TestKit
import Testing

@testable import Tokens

/// Random calls, ends, cancels, restarts, power cuts, clock jumps and disk faults, against the reference.
@Suite struct RandomTests {
  private static let limits: [String: TokenLimits] = {
    let texts: [(String, [String], [String])] = [
      ("agent/a", ["2k/h", "9k/d"], []), ("agent/b", ["30k"], ["1/h"]), ("agent/c", ["700/10m"], []),
      ("board", ["6k/h"], ["9/d", "100"]),
    ]
    var limits: [String: TokenLimits] = [:]
    for (account, tokens, money) in texts { limits[account] = try? TokenLimits(tokens: tokens, money: money) }
    return limits
  }()

  /// One run.
  private final class Run {
    let clock = ManualClock()
    var machine: Machine
    var reference: Reference
    var generator: SeededGenerator
    var boot = 1
    var answers: [TokenCallID: Int] = [:]
    var counts: [String: Int] = [:]
    let seed: UInt64

    init(_ seed: UInt64) throws {
      self.seed = seed
      generator = SeededGenerator(seed)
      machine = try Machine(clock: clock, limits: RandomTests.limits)
      reference = Reference(RandomTests.limits, clock: clock)
      watch()
    }

    func watch() {
      machine.queue.onWork = { [unowned self] in
        guard machine.faults.failure == nil else { return }
        // What is written now covers the excess that was known when it was submitted.
        for record in machine.marks.submitted {
          guard let key = RecordKey.meter(record.key) else { continue }
          if let mark = record.text?.split(separator: " ").last.flatMap({ Int64($0) }),
            mark >= (reference.meters[key]?.spent ?? 0) + reference.held(key, onlySent: true)
          {
            reference.meters[key]?.excess = 0
          }
        }
      }
    }

    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    func count(_ what: String) { counts[what, default: 0] += 1 }

    func act() throws {
      for _ in 0..<Int.random(in: 1...3, using: &generator) { try step() }
      check()
    }

    /// The ledger looks at the clock as often as the reference does.
    func advance() {
      reference.advance()
      _ = machine.ledger.advance()
    }

    private func step() throws {
      advance()
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<38: reserve()
      case 38..<60: end()
      case 60..<64: cancel()
      case 64..<80: machine.queue.step()
      case 80..<86: clock.advance(by: .seconds(Int64.random(in: 0...2000, using: &generator)))
      case 86..<90: jump()
      case 90..<93:
        machine.faults.failure = chance(20) ? .full("/disk") : nil
        if machine.faults.failure != nil { count("faults") }
      case 93..<95: try kill()
      case 95..<97: try cutPower()
      case 97..<98: try stop()
      default: machine.queue.run()
      }
      advance()
    }

    func reserve() {
      let agent = ["a", "b", "c"].randomElement(using: &generator) ?? "a"
      let call = TokenCall(
        accounts: ["agent/\(agent)", "board"], tokens: .random(in: 0...700, using: &generator),
        money: chance(50) ? .random(in: 0...300_000, using: &generator) : 0, agent: AgentID(agent), model: "m")
      let fits = reference.fits(call)
      var (isHere, refusal): (Bool, TokenRefusal?) = (true, nil)
      var sentHere: TokenCallID?
      let id = machine.ledger.reserve(call) { [unowned self] result in
        switch result {
        case .success(let id):
          answers[id, default: 0] += 1
          if isHere { sentHere = id } else { sent(id) }
        case .failure(let why):
          if isHere { refusal = why }
          reference.calls.removeAll { $0.call == call && !$0.isSent && isNotWaiting($0.id) }
        }
      }
      isHere = false
      if case .overLimit? = refusal {
        #expect(!fits, "seed \(seed): refused although it fits")
        return count("refused")
      }
      #expect(fits, "seed \(seed): admitted although it does not fit")
      guard refusal == nil else { return count("not stored") }
      reference.calls.append(Reference.Call(id: id, call: call))
      if sentHere != nil { sent(id) }
    }

    private func isNotWaiting(_ id: TokenCallID) -> Bool { !machine.ledger.waiting.contains { $0.id == id } }

    /// A call was handed over: from now on it must never be forgotten.
    func sent(_ id: TokenCallID) {
      count("sent")
      reference.advance()
      reference.send(id)
      for key in reference.keys {
        let text = machine.marks.disk[RecordKey.mark(key)]?.split(separator: " ").compactMap { Int64($0) } ?? []
        let meter = reference.meters[key]
        let mark = text.count == 2 && UInt64(text[0]) == meter?.period ? text[1] : 0
        let must = (meter?.spent ?? 0) + reference.held(key, onlySent: true) - (meter?.excess ?? 0)
        let uses = reference.calls.contains {
          $0.id == id && reference.keys(of: $0.call).contains(key) && reference.amount($0.call, key) > 0
        }
        if uses { #expect(mark >= must, "seed \(seed): \(key) was sent without a mark") }
      }
    }

    func end() {
      guard let call = reference.calls.filter(\.isSent).randomElement(using: &generator) else { return }
      let kind = Int.random(in: 0..<10, using: &generator)
      if kind == 0 {
        reference.end(call.id, nil, isReleased: true)
        machine.ledger.release(call.id)
      } else if kind < 3 {
        reference.end(call.id, nil)
        machine.ledger.settle(call.id, nil)
      } else {
        let most = kind == 3 ? call.call.tokens * 2 : call.call.tokens
        let prompt = Int64.random(in: 0...most, using: &generator)
        let usage = TokenUsage(prompt: prompt, completion: 0, money: call.call.money / 2)
        reference.end(call.id, usage)
        machine.ledger.settle(call.id, usage)
      }
      // The second time does nothing.
      machine.ledger.settle(call.id, nil)
      machine.ledger.release(call.id)
    }

    func cancel() {
      guard let call = reference.calls.filter({ !$0.isSent }).randomElement(using: &generator) else { return }
      #expect(machine.ledger.cancel(call.id), "seed \(seed)")
      reference.calls.removeAll { $0.id == call.id }
      count("cancelled")
    }

    func jump() {
      clock.wallIsSynchronised = chance(50)
      clock.jumpWall(by: .seconds(Int64.random(in: -20_000...20_000, using: &generator)))
      count("jumps")
    }

    func restart(_ files: SavedFiles, isBoot: Bool) throws {
      if isBoot { boot += 1 }
      // Numbers begin anew with a boot.
      #expect(answers.values.allSatisfy { $0 == 1 }, "seed \(seed)")
      if isBoot { answers = [:] }
      machine = try Machine(files, boot: "boot-\(boot)", clock: clock, limits: RandomTests.limits)
      watch()
      reference.kill()
      // The ledger's time may be earlier now, but not so early that a window with a call would be forgotten.
      reference.anchor = (machine.ledger.advance(), clock.now)
      for key in reference.keys {
        reference.roll(key)
        guard let meter = reference.meters[key], let found = machine.ledger.meters[key] else {
          if reference.meters[key]?.spent != 0 { Issue.record("seed \(seed): \(key) is forgotten") }
          continue
        }
        if isBoot || found.isMarkedAhead {
          #expect(found.spent >= meter.spent - meter.excess, "seed \(seed): \(key) after a power cut")
        } else if meter.spent > 0 || found.period == meter.period {
          #expect(found.spent == meter.spent, "seed \(seed): \(key) after a kill")
        }
        reference.meters[key] = Reference.Meter(key: key, period: found.period, spent: found.spent)
      }
    }

    func kill() throws {
      count("kills")
      try restart(machine.files(), isBoot: false)
    }

    func cutPower() throws {
      count("power cuts")
      var files = try machine.files()
      files.journal = nil
      try restart(files, isBoot: true)
    }

    func stop() throws {
      machine.faults.failure = nil
      reference.calls.removeAll { !$0.isSent }
      let answer = machine.close()
      #expect(answer == .some(nil), "seed \(seed)")
      count("stops")
      var files = try machine.files()
      // An orderly stop loses nothing, with or without the journal.
      if chance(50) {
        files.journal = nil
        reference.kill()
        let before = reference.meters
        for key in reference.keys { reference.meters[key]?.excess = 0 }
        try restart(files, isBoot: true)
        for (key, meter) in before where meter.spent > 0 && reference.meters[key]?.period == meter.period {
          #expect(reference.meters[key]?.spent == meter.spent, "seed \(seed): \(key) after a stop")
        }
      } else {
        try restart(files, isBoot: false)
      }
    }

    func check() {
      for (account, limits) in RandomTests.limits {
        for (status, limit) in zip(machine.ledger.status(of: account), limits.all) {
          let key = Tokens.Meter.Key(account, limit)
          let meter = reference.meters[key]
          #expect(status.used == meter?.spent, "seed \(seed): \(key)")
          #expect(status.inFlight == reference.held(key), "seed \(seed): \(key)")
        }
      }
    }
  }

  /// More with TOKENS_SEEDS=0-1000.
  private static var seeds: Range<UInt64> {
    let ends = (Environment.current()["TOKENS_SEEDS"] ?? "0-24").split(separator: "-").compactMap { UInt64($0) }
    return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : 0..<24
  }

  @Test(arguments: seeds) func theLedgerDoesWhatTheReferenceSays(_ seed: UInt64) throws {
    let run = try Run(seed)
    for _ in 0..<600 { try run.act() }
    #expect(run.answers.values.allSatisfy { $0 == 1 })
    #expect(run.counts["sent"] ?? 0 > 30)
    if seed == 0 { print("tokens: one random run: \(run.counts.sorted { $0.key < $1.key })") }
  }
}

import Agent
import Model
import Testing

@testable import FaultKit

/// The checks of loop, agents, events and shutdown, each with a violation and with a similar valid case.
@Suite struct RuleTests {
  private static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }
  private let now = at(0)

  /// The invariants that a history violates.
  private func broken(_ history: (Invariants) -> Void) -> [String] {
    let invariants = Invariants(Board(name: "test", backend: .simulated, devices: []), at: now)
    history(invariants)
    return invariants.violations.map(\.rule)
  }

  private func event(_ type: String, _ payload: Fields = [:], depth: Int = 0, number: UInt64 = 1) -> Event {
    Event(id: ULID(high: 1, low: number), type: type, depth: depth, payload: payload)
  }

  // MARK: The loop

  @Test func timersAndActionsAreBounded() {
    let rules = LoopRules()
    #expect(broken { rules.check(timers: 200, putOff: 1000, $0, at: now) } == [])
    #expect(broken { rules.check(timers: 201, putOff: 0, $0, at: now) } == ["bounded timers"])
    #expect(broken { rules.check(timers: 0, putOff: 1001, $0, at: now) } == ["bounded turn"])
  }

  @Test func chainsHaveAMaximumDepth() {
    let rules = LoopRules()
    #expect(broken { rules.dispatched(event("a:b", depth: 8), depthLimit: 8, $0, at: now) } == [])
    #expect(broken { rules.dispatched(event("a:b", depth: 9), depthLimit: 8, $0, at: now) } == ["depth"])
  }

  @Test func stormIsLimitedByTheBudget() {
    func storm(_ count: Int, every: Double) -> [String] {
      broken { invariants in
        var rules = LoopRules()
        for number in 0..<count {
          rules.emitted(by: "agent/a", budget: 20, invariants, at: Self.at(Double(number) * every))
        }
      }
    }
    #expect(storm(40, every: 0.001) == [])
    #expect(storm(41, every: 0.001) == ["budget"])
    #expect(storm(400, every: 0.03) == [])
  }

  @Test func guestsMemoryStaysWithinItsBudget() {
    let rules = LoopRules()
    #expect(broken { rules.used(256, of: 256, by: "a", $0, at: now) } == [])
    #expect(broken { rules.used(257, of: 256, by: "a", $0, at: now) } == ["memory"])
  }

  @Test func quarantinedAgentsDoNotRun() {
    func look(_ state: LifecycleState?, _ isQuarantined: Bool, _ isSafeMode: Bool) -> [String] {
      broken {
        LoopRules().check("a", state, isQuarantined: isQuarantined, isSafeMode: isSafeMode, $0, at: now)
      }
    }
    #expect(look(.quarantined, true, false) == [])
    #expect(look(.idle, true, false) == ["three strikes"])
    #expect(look(.idle, false, false) == [])
    #expect(look(nil, false, true) == [])
    #expect(look(.idle, false, true) == ["safe mode"])
  }

  // MARK: The calendar

  /// The violations for entries due, and minutes begun, at these seconds of the wall clock.
  private func calendar(due: [Int], begun: [Int] = [], isTrusted: Bool = true) -> [String] {
    broken { invariants in
      var rules = CalendarRules()
      for second in due { rules.isDue(UInt64(second * 1000), isTrusted: isTrusted, invariants, at: now) }
      for second in begun { rules.hasBegun(UInt64(second * 1000), invariants, at: now) }
    }
  }

  @Test func everyEntryIsDueExactlyOnce() {
    #expect(calendar(due: [60, 120, 185], begun: [60, 120, 180]) == [])
    #expect(calendar(due: [60, 180], begun: [120]) == [])
    #expect(calendar(due: [60], begun: [120]) == ["calendar"])
    #expect(calendar(due: [60, 119]) == ["calendar"])
    // The clock is set back by three hours, and by more.
    #expect(calendar(due: [60, 60 + 3 * 3600, 90]) == ["calendar"])
    #expect(calendar(due: [60, 120 + 3 * 3600, 90]) == [])
    #expect(calendar(due: [120 + 3 * 3600], begun: [60]) == ["calendar"])
    #expect(calendar(due: [60], isTrusted: false) == ["calendar"])
  }

  @Test func newDaemonDoesNotKnowEarlierEntries() {
    #expect(
      broken { invariants in
        var rules = CalendarRules()
        rules.isDue(60_000, isTrusted: true, invariants, at: now)
        rules.daemonStarts()
        rules.isDue(61_000, isTrusted: true, invariants, at: now)
      } == [])
  }

  // MARK: The end

  @Test func shutdownLeavesNothing() {
    let output = ActuatorSettings(), held = ActuatorSettings(onExit: .hold)
    #expect(
      broken {
        let end = EndRules($0, at: now)
        end.check(hasEnded: true)
        end.check(timers: 0)
        end.check("a", .idle, queued: 0)
        end.check("b", .quarantined, queued: 0)
        end.check("fan", output, level: 0, isSettled: true)
        end.check("fan", output, level: 1, isSettled: false)
        end.check("lamp", held, level: 1, isSettled: true)
      } == [])
    #expect(
      broken {
        let end = EndRules($0, at: now)
        end.check(hasEnded: false)
        end.check(timers: 1)
        end.check("a", .stopping, queued: 0)
        end.check("b", .idle, queued: 1)
        end.check("fan", output, level: 1, isSettled: true)
      } == ["orderly end", "timers left", "agents left", "agents left", "safe at the end"])
  }

  @Test func remainingObjectsAreFound() {
    final class Thing {}
    let remains = Remains()
    let kept = Thing()
    remains.watch("this", kept)
    remains.watch("that", Thing())
    #expect(broken { remains.check($0, at: now) } == ["objects left"])
    withExtendedLifetime(kept) {}
  }

  // MARK: Events

  private func accounts(_ history: (EventAccounts) -> Void) -> EventAccounts {
    let accounts = EventAccounts(depthLimit: 8, wakes: ["beat": "worker"])
    history(accounts)
    return accounts
  }

  @Test func eventCountersMustMatch() {
    let books = accounts { books in
      for _ in 0..<5 { books.published(event("a:b")) }
      // Stored but not dispatched.
      books.published(event("a:b", depth: 9))
      books.published(event("system:chain_cut"))
    }
    func look(_ total: UInt64, _ handedOn: UInt64, _ shed: UInt64, _ waiting: Int) -> [String] {
      let log = EventAccounts.Log(total: total, handedOn: handedOn, shed: shed, waiting: waiting)
      return broken { books.check(log, $0, at: now) }
    }
    #expect(look(7, 3, 1, 1) == [])
    #expect(look(6, 3, 1, 1) == ["events counted"])
    #expect(look(7, 3, 1, 0) == ["events counted"])
    #expect(look(7, 3, 2, 1) == ["events counted"])
  }

  @Test func droppedEventsOfAnAgentMustMatch() {
    let manifest = Manifest(
      id: "worker", name: "worker", runtime: .init(driver: .process, entry: "x"), subscribe: [EventPattern("work:*")])
    let books = accounts { books in
      for number in 0..<6 { books.dispatched(event("work:next", number: UInt64(number)), to: [manifest]) }
      books.dispatched(event("other:thing"), to: [manifest])
      books.published(event("rule:fired", ["rule": "beat", "count": 3]))
      books.published(event("rule:fired", ["rule": "other"]))
      // One single event, and four folded into one.
      books.given(event("work:next"), to: "worker")
      books.given(event("work:next", ["count": 4]), to: "worker")
    }
    func look(_ waiting: Int, _ dropped: UInt64) -> [String] {
      broken { books.check("worker", waiting: waiting, dropped: dropped, $0, at: now) }
    }
    #expect(look(0, 4) == [])
    #expect(look(0, 3) == ["events of an agent"])
    #expect(look(0, 5) == ["events of an agent"])
    #expect(look(1, 3) == [])
    #expect(look(4, 0) == [])
    #expect(look(1, 4) == ["events of an agent"])
  }

  // MARK: Bystanders

  private func probe(_ number: Int64) -> Event { event("probe:tick", ["n": .int(number)]) }

  /// The violations for a probe that is handled after this many other events and this many seconds.
  private func answer(
    _ others: Int, _ time: Double, probes: Int64 = 1, times: Int = 1, missing: AgentID? = nil
  ) -> [String] {
    broken { invariants in
      let answers = Answers()
      answers.lifeBegins(1)
      for number in 1...probes {
        answers.published(probe(number), 1, Self.at(1))
        for _ in 0..<others { answers.oneDispatched() }
        for _ in 0..<times {
          for agent in TestAgents.bystanders where agent != missing {
            answers.handled(agent, probe(number), 1, Self.at(1 + time))
          }
        }
      }
      answers.check(invariants, at: Self.at(9))
    }
  }

  @Test func bystandersAreServedSoon() {
    #expect(answer(100, 0.5, probes: 3) == [])
    #expect(answer(101, 0.5, probes: 3) == ["latency"])
    #expect(answer(2000, 0.5, probes: 2) == [])
    #expect(answer(2001, 0.5, probes: 2) == ["latency"])
    #expect(answer(0, 0.501) == ["latency"])
  }

  @Test func bystandersReceiveEveryProbeOnce() {
    #expect(answer(0, 0, missing: "neighbour") == ["handled"])
    #expect(answer(0, 0, times: 2) == [])
    let twice = broken { invariants in
      let answers = Answers()
      answers.lifeBegins(1)
      answers.published(probe(1), 1, Self.at(1))
      for agent: AgentID in ["bystander", "bystander", "neighbour"] {
        answers.handled(agent, probe(1), 1, Self.at(1))
      }
      answers.check(invariants, at: Self.at(2))
    }
    #expect(twice == ["handled once"])
  }
}

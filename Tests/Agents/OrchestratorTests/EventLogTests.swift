import HALTestKit
import Model
import Rules
import TestKit
import Testing

@testable import Orchestrator

@Suite struct EventLogTests {
  /// Sixty rules with three emits each, all of them on every event.
  @Test func whatBranchesWidelyIsBounded() {
    let clock = ManualClock()
    var queue: [() -> Void] = []
    let log = EventLog(clock: clock, capacity: 64, depthLimit: 16, later: { queue.append($0) })
    log.dispatch = { [unowned log] event in
      for _ in 0..<240 { log.publish("x:y", from: "rule/r", cause: Cause(event)) }
    }
    log.publish("x:start", from: "client/test")
    while let next = queue.first {
      queue.removeFirst()
      next()
      clock.advance(by: .microseconds(1))
    }
    clock.advance(by: .milliseconds(10))
    #expect(log.waiting == 0)
    #expect(log.total < 1024 + 2 * 240 + 10, "\(log.total) events of one")
  }

  private let clock = ManualClock()

  private final class Later { var actions: [() -> Void] = [] }

  private func log(ring: Int = 64, depth: Int = 16, _ later: Later = Later()) -> EventLog {
    EventLog(clock: clock, capacity: ring, depthLimit: depth, later: { later.actions.append($0) })
  }

  private func drain(_ later: Later) -> Int {
    var rounds = 0
    while !later.actions.isEmpty && rounds < 10_000 {
      let batch = later.actions
      later.actions = []
      for action in batch { action() }
      rounds += 1
    }
    return rounds
  }

  @Test func anEventForNobodyIsKeptAndHandedToNobody() {
    let later = Later()
    let log = log(ring: 1000, later)
    var handed: [String] = []
    log.dispatch = { handed.append($0.type) }
    log.dispatchTo = { event, _ in handed.append(event.type) }
    var heard = 0
    _ = log.listen(EventPattern("x:*")) { _ in heard += 1 }
    let first = log.publish("a:b", from: "test")
    log.address(.nobody) {
      for _ in 0..<500 { log.publish("x:y", from: "test", cause: Cause(first)) }
    }
    log.publish("a:c", from: "test", cause: Cause(first))
    _ = drain(later)
    #expect(handed == ["a:b", "a:c"] && heard == 500 && log.shed == 0)
    #expect(log.events(matching: EventPattern("x:y"), last: 1000, since: nil).count == 500)
  }

  @Test func idsGrowWhateverTheWallClockDoes() {
    let log = log(ring: 1000)
    var ids: [ULID] = []
    for step in 0..<600 {
      switch step % 6 {
      case 1: clock.jumpWall(by: .seconds(-3600))
      case 3: clock.jumpWall(by: .seconds(1800))
      case 5: clock.advance(by: .milliseconds(3))
      default: break
      }
      ids.append(log.publish("a:b", from: "test").id)
    }
    for (before, after) in zip(ids, ids.dropFirst()) { #expect(before < after) }
    for id in ids { #expect(log.event(id)?.id == id) }
    #expect(log.events(matching: EventPattern("*"), last: 1000, since: ids[400]).map(\.id) == Array(ids[401...]))
  }

  @Test func theRingKeepsTheNewest() {
    let log = log(ring: 8)
    #expect(log.events(matching: EventPattern("*"), last: 5, since: nil).isEmpty)
    let events = (0..<20).map { log.publish($0 % 2 == 0 ? "even:x" : "odd:x", from: "test", ["n": .int(Int64($0))]) }
    #expect(log.total == 20)
    #expect(events[..<12].allSatisfy { log.event($0.id) == nil })
    #expect(events[12...].allSatisfy { log.event($0.id) == $0 })
    #expect(log.events(matching: EventPattern("*"), last: 100, since: nil) == Array(events[12...]))
    #expect(log.events(matching: EventPattern("odd:*"), last: 2, since: nil) == [events[17], events[19]])
    #expect(log.events(matching: EventPattern("*"), last: 0, since: nil).isEmpty)
    #expect(log.events(matching: EventPattern("*"), last: 100, since: events[3].id).count == 8)
  }

  @Test func causesMakeChains() {
    let log = log()
    let first = log.publish("a:a", from: "test")
    let second = log.publish("a:b", from: "test", cause: Cause(first))
    let third = log.publish("a:c", from: "test", cause: Cause(second))
    #expect((first.depth, second.depth, third.depth) == (0, 1, 2))
    #expect(third.trace == first.id && third.cause == second.id && first.cause == nil)
    #expect(log.chain(to: third.id) == [first, second, third])
    #expect(log.chain(to: ULID(high: 1, low: 1)).isEmpty)
  }

  @Test func aChainBeyondTheLimitIsCutAndShown() {
    let later = Later()
    let log = log(depth: 4, later)
    var dispatched: [String] = []
    var told: [String] = []
    log.dispatch = { dispatched.append("\($0.type) \($0.depth)") }
    _ = log.listen(EventPattern("*")) { told.append($0.type) }
    var last = log.publish("a:b", from: "test")
    for _ in 0..<5 { last = log.publish("a:b", from: "test", cause: Cause(last)) }
    _ = drain(later)
    #expect(dispatched == (0...4).map { "a:b \($0)" })
    #expect(told == Array(repeating: "a:b", count: 6) + ["system:chain_cut"])
    let cut = log.events(matching: EventPattern("system:chain_cut"), last: 1, since: nil).first
    #expect(cut?["event"] == "a:b" && cut?["limit"] == 4 && cut?.cause == last.id)
    #expect(log.chain(to: last.id).count == 6)
  }

  @Test func rulesThatEmitWhatTheyWaitForComeToAnEnd() throws {
    let world = World()
    try world.load(
      rule("loop", on: [EventPattern("x:loop")], .emit("x:loop", [])),
      rule("all", on: [EventPattern("*")], if: "event.type.startsWith('y:')", .emit("y:two", []), .emit("y:three", [])))
    world.emit("x:loop")
    // Two hops a round: the event and the firing. The last ones are kept and shown, and nothing follows from them.
    #expect(world.of("x:loop").map(\.depth) == Array(stride(from: 0, through: 18, by: 2)))
    #expect(world.of("system:chain_cut").count == 2)
    let before = world.log.total
    #expect(world.settle() == 0)
    world.emit("y:one")
    // Two for each, and the firings, until they are too many.
    #expect((256..<1000).contains(world.log.total - before))
    #expect(world.settle() == 0)
    #expect(world.of("system:chain_cut").last?["limit"] == 256)
  }

  /// The rule that multiplies everything, its own firings included.
  @Test func aRuleOnEverythingIsHeldPerTraceAndSecond() throws {
    let world = World([.actuator("lamp")])
    try world.load(
      rule("all", on: [EventPattern("*")], .emit("x:y", []), .emit("x:y", [])),
      rule("good", on: [EventPattern("good:one")], .actuate("lamp", .on, lease: .seconds(9))))
    let (before, cuts) = (world.log.total, world.of("system:chain_cut").count)
    world.emit("a:b")
    #expect((256..<2000).contains(world.log.total - before))
    #expect(world.of("system:chain_cut").count == cuts + 1)
    // Whoever comes next is served, with a limit of its own.
    world.emit("good:one")
    #expect(world.level("lamp") == 1 && world.of("system:chain_cut").count == cuts + 2)
    let then = world.log.total
    world.wait(.seconds(3))
    #expect(world.log.total - then < 100)
  }

  /// A board that wakes from a suspend has everything to do at once.
  @Test func anAgentDoesNotWaitForTheStormBehindItsEvent() throws {
    let world = World()
    try world.adopt(doer("first") { $0.subscribe = [EventPattern("do:log")] })
    world.settle()
    try world.load(rule("echo", on: [EventPattern("work:next")], .emit("work:more", [])))
    let before = world.log.handedOn
    var waited: UInt64?
    _ = world.log.listen(EventPattern("agent:activated")) { _ in waited = waited ?? (world.log.handedOn - before) }
    world.log.publish("do:log", from: "client/test")
    for _ in 0..<1000 { world.log.publish("work:next", from: "client/storm") }
    world.settle()
    #expect(try #require(waited) <= 100)
    #expect(world.log.handedOn - before > 2000)
  }

  @Test func aChainMayGoOnInTheNextSecond() {
    let later = Later()
    let log = log(later)
    var dispatched = 0
    log.dispatch = { _ in dispatched += 1 }
    let first = log.publish("a:b", from: "test")
    for _ in 0..<300 { log.publish("c:d", from: "test", cause: Cause(first)) }
    while log.waiting > 0 {
      _ = drain(later)
      clock.advance(by: .zero)
    }
    #expect(dispatched == 257 && log.shed == 44)
    clock.advance(by: .seconds(1))
    log.publish("c:d", from: "test", cause: Cause(first))
    _ = drain(later)
    #expect(dispatched == 258)
  }

  @Test func whyOutlivesTheRing() {
    let log = log(ring: 32)
    let reading = log.publish("sensor:t", from: "t")
    let fired = log.publish("rule:fired", from: "rule/hot", cause: Cause(reading))
    let on = log.publish("device:changed", from: "fan", cause: Cause(fired), ["state": 1])
    for _ in 0..<100 { log.publish("noise:x", from: "test") }
    #expect(log.event(on.id) == nil)
    #expect(log.chain(toLastChangeOf: "fan") == [reading, fired, on])
    #expect(log.chain(toLastChangeOf: "lamp").isEmpty)
    // The lease ends long after: what it came from is still known.
    let off = log.publish("device:changed", from: "fan", cause: Cause(on), ["state": 0])
    #expect(log.chain(toLastChangeOf: "fan") == [reading, fired, on, off])
  }

  @Test func theMostUrgentIsHandedOnFirstEvenWhenItComesLate() {
    let later = Later()
    let log = log(later)
    var order: [String] = []
    log.dispatch = { event in
      order.append(event.type)
      if event.type == "low:1" { log.publish("alarm:late", from: "test", priority: .emergency, [:]) }
    }
    for number in 1...3 { log.publish("low:\(number)", from: "test", priority: .low, [:]) }
    log.publish("mid:1", from: "test")
    log.publish("alarm:1", from: "test", priority: .emergency, [:])
    #expect(order.isEmpty)
    _ = drain(later)
    #expect(order == ["alarm:1", "mid:1", "low:1", "alarm:late", "low:2", "low:3"])
  }

  @Test func aStormIsShedFromTheLeastUrgentAndLeavesTheLoopItsTurns() {
    let later = Later()
    let log = log(later)
    var counts: [Priority: Int] = [:]
    log.dispatch = { counts[$0.priority, default: 0] += 1 }
    for _ in 0..<10_000 { log.publish("storm:x", from: "test", priority: .low, [:]) }
    #expect(log.shed == UInt64(10_000 - EventLog.queueLimit))
    for _ in 0..<10 { log.publish("alarm:x", from: "test", priority: .emergency, [:]) }
    log.publish("storm:x", from: "test", priority: .background, [:])
    // After each share the loop looks at what is due and ready: here, at a timer.
    var handledBeforeTimer = 0
    clock.schedule(after: .zero) { handledBeforeTimer = counts.values.reduce(0, +) }
    _ = drain(later)
    clock.advance(by: .zero)
    #expect(counts == [.emergency: 10, .low: EventLog.queueLimit - 10])
    #expect(log.total == 10_011)
    #expect(handledBeforeTimer > 0 && handledBeforeTimer < EventLog.queueLimit / 10)
    clock.advance(by: .zero)
    log.publish("calm:x", from: "test")
    _ = drain(later)
    #expect(counts[.normal] == 1)
  }

  @Test func listenersHearWhatFitsUntilTheyEnd() {
    let log = log()
    var heard: [String] = []
    let listener = log.listen(EventPattern("a:*")) { heard.append($0.type) }
    for type in ["a:1", "b:1", "a:2"] { log.publish(type, from: "test") }
    log.endListen(listener)
    log.publish("a:3", from: "test")
    #expect(heard == ["a:1", "a:2"])
  }
}

@Suite struct BacklogTests {
  @Test func behavesLikeASortedListWithABound() {
    var dice = SeededGenerator(11)
    for limit in [1, 3, 50, 700] {
      var backlog = Backlog(limit: limit, bytes: 1 << 30)
      var model: [Event] = []
      var number: UInt64 = 0
      for _ in 0..<4000 {
        // Fills and empties in turns, so that both ends are met.
        if Int.random(in: 0..<10, using: &dice) < (number / 1000 % 2 == 0 ? 7 : 4) {
          number += 1
          let priority = Priority.allCases.randomElement(using: &dice) ?? .normal
          let event = Event(id: ULID(high: 0, low: number), type: "a:b", priority: priority)
          let shed = backlog.add(event)
          #expect(shed == (model.count >= limit ? 1 : 0))
          model.insert(event, at: model.firstIndex { $0.priority > priority } ?? model.count)
          if model.count > limit { model.removeLast() }
        } else {
          #expect(backlog.next() == (model.isEmpty ? nil : model.removeFirst()))
        }
        #expect(backlog.count == model.count)
      }
      while let event = backlog.next() { #expect(event == model.removeFirst()) }
      #expect(model.isEmpty)
    }
  }
}

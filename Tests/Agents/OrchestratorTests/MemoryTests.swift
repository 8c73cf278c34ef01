import Agent
import Model
import Testing

@testable import Orchestrator

/// What is kept is bounded by the memory that it holds: `[0]` is 4 bytes of JSON, and 90 of memory.
@Suite struct MemoryTests {
  /// A list of `count` lists of one number each.
  private func nested(_ count: Int) -> Value { .list((0..<count).map { _ in [0] }) }

  private func event(_ number: UInt64, _ lists: Int, _ priority: Priority = .normal) -> Event {
    Event(id: ULID(high: 0, low: number), type: "a:b", priority: priority, payload: ["x": nested(lists)])
  }

  /// A list of one number is 32 bytes of header and 24 of a value or so, in a chunk of malloc(3) of its own.
  @Test(arguments: [1, 100, 5000]) func theMeasureCountsWhatIsAllocated(_ count: Int) {
    let measured = nested(count).memory
    #expect(measured >= count * (64 + MemoryLayout<Value>.stride) && measured <= count * 256 + 256)
    #expect(measured > 10 * Value.list([]).weight * count, "as JSON it looks small")
    #expect(("short".memory, "longer than fifteen bytes".memory) == (16, 16 + 80))
    #expect((Fields().memory, Value.null.memory) == (8, MemoryLayout<Value>.stride))
    #expect(Fields([("k", nested(count))]).memory > nested(count).memory)
  }

  @Test func theRingOfEventsIsBoundedInBytes() {
    let size = event(1, 500).memory
    var ring = Ring<Event>(capacity: 100, bytes: 10 * size)
    for number in 1...250 as ClosedRange<UInt64> {
      ring.append(event(number, 500))
      #expect(ring.bytes <= 10 * size && ring.count == min(Int(number), 10))
      #expect(ring[ring.count - 1].id.low == number)
    }
    #expect(ring.find(ULID(high: 0, low: 241)) != nil && ring.find(ULID(high: 0, low: 240)) == nil)
    #expect(ring.last(3).map(\.id.low) == [248, 249, 250])
    // Small ones after large ones: the count bounds them.
    for number in 251...400 as ClosedRange<UInt64> { ring.append(event(number, 0)) }
    #expect(ring.count == 100 && ring[0].id.low == 301 && ring.bytes < 10 * size)
    // One that is larger than all of it stays alone.
    ring.append(event(401, 6000))
    #expect(ring.count == 1 && ring[0].id.low == 401)
    ring.append(event(402, 0))
    #expect(ring.count == 1 && ring[0].id.low == 402)
  }

  @Test func theBacklogIsBoundedInBytesAndKeepsTheUrgent() {
    let size = event(1, 500).memory
    var backlog = Backlog(limit: 1000, bytes: 4 * size)
    for number in 1...4 as ClosedRange<UInt64> { #expect(backlog.add(event(number, 500, .low)) == 0) }
    #expect(backlog.add(event(5, 500, .low)) == 1, "the newest of the least urgent gives way")
    #expect(backlog.add(event(6, 500, .high)) == 1)
    #expect(backlog.count == 4 && backlog.bytes == 4 * size)
    #expect((0..<4).compactMap { _ in backlog.next()?.id.low } == [6, 1, 2, 3])
    #expect(backlog.next() == nil && backlog.bytes == 0)
  }

  @Test func anAgentsQueueIsBoundedInBytes() {
    var queue = DeliveryQueue()
    var refused = 0
    for number in 1...40 as ClosedRange<UInt64> {
      let event = Event(id: ULID(high: 0, low: number), type: "a:b\(number)", payload: ["x": nested(600)])
      refused += queue.add(Delivery(event: event, cause: Cause(event), count: 1, waiting: [])).count
      #expect(queue.bytes <= DeliveryQueue.mostBytes)
    }
    #expect(refused > 0 && refused + queue.count == 40)
    while queue.next() != nil {}
    #expect(queue.bytes == 0)
  }

  @Test func aPayloadIsHeldToItsMemory() {
    #expect(PayloadLimit.complaint(["x": nested(600)]) == nil)
    #expect(PayloadLimit.complaint(["x": nested(900)])?.contains("bytes of memory") == true)
    #expect(PayloadLimit.complaint(["x": .string(String(repeating: "x", count: 17_000))])?.contains("16384") == true)
  }

  @Test func aReportThatHoldsTooMuchIsNotKept() {
    let world = World()
    let manifest = Manifest(id: "a", name: "a", runtime: Manifest.Runtime(driver: .inProcess, entry: "x"))
    let agent = ManagedAgent(manifest, driver: world.slow, state: [:], logs: nil, world.agents.shared)
    agent.keepReport(["n": nested(100)])
    #expect(agent.lastReport["n"]?.list?.count == 100)
    agent.keepReport(["n": nested(5000)])
    #expect(agent.lastReport["error"]?.string?.contains("bytes of memory") == true)
    #expect(agent.lastReport["n"] == nil)
  }

  @Test func stateIsChargedByWhatItHolds() {
    #expect(AgentState.size("k", nested(1000)) > 60_000)
    #expect(nested(1000).weight < 20_000)
  }
}

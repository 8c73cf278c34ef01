import Model
import TestKit
import Testing

@testable import Orchestrator

@Suite struct DeliveryQueueTests {
  private func delivery(
    _ type: String, _ number: UInt64, _ priority: Priority = .normal, source: String = "x", firing: UInt64? = nil,
    _ done: @escaping () -> Void = {}
  ) -> Delivery {
    let event = Event(
      id: ULID(high: 0, low: number), type: type, source: source, priority: priority,
      payload: ["number": .int(Int64(number))])
    return Delivery(event: event, cause: Cause(event), count: 1, waiting: [(firing, { _ in done() })])
  }

  private func drain(_ queue: inout DeliveryQueue) -> [String] {
    var order: [String] = []
    while let next = queue.next() {
      order.append("\(next.event.type) \(next.event.id.low)" + (next.count > 1 ? " ×\(next.count)" : ""))
    }
    return order
  }

  @Test func urgentFirstThenOldest() {
    var queue = DeliveryQueue()
    for (number, priority) in [(1, Priority.low), (2, .normal), (3, .emergency), (4, .normal), (5, .emergency)] {
      #expect(queue.add(delivery("git:c\(number)", UInt64(number), priority)).isEmpty)
    }
    #expect(drain(&queue) == ["git:c3 3", "git:c5 5", "git:c2 2", "git:c4 4", "git:c1 1"])
  }

  @Test func aStormOfReadingsFoldsIntoTheNewestAndKeepsItsPlace() {
    var queue = DeliveryQueue()
    var finished = 0
    for number in 1..<1000 {
      #expect(queue.add(delivery("sensor:t", UInt64(number)) { finished += 1 }).isEmpty)
      if number == 1 { _ = queue.add(delivery("input:door", 5000)) }
    }
    #expect(queue.count == 2)
    let first = queue.next()
    #expect(first?.event.id.low == 999)
    #expect(first?.delivered["count"] == 999)
    #expect(first?.delivered["number"] == 999)
    first?.finish(.handled)
    #expect(finished == 999)
    #expect(queue.next()?.delivered["count"] == nil)
  }

  @Test func foldingTakesTheMoreUrgentPriority() {
    var queue = DeliveryQueue()
    _ = queue.add(delivery("sensor:a", 1, .low))
    _ = queue.add(delivery("sensor:b", 2, .normal))
    _ = queue.add(delivery("sensor:a", 3, .critical))
    _ = queue.add(delivery("sensor:b", 4, .background))
    _ = queue.add(delivery("x:y", 5, .high))
    #expect(drain(&queue) == ["sensor:a 3 ×2", "x:y 5", "sensor:b 4 ×2"])
  }

  @Test func otherSourcesDoNotFold() {
    var queue = DeliveryQueue()
    _ = queue.add(delivery("sensor:t", 1, source: "a"))
    _ = queue.add(delivery("sensor:t", 2, source: "b"))
    #expect(queue.count == 2)
  }

  @Test func edgesStayApartAndInOrderUntilTheyAreMany() {
    var queue = DeliveryQueue()
    for number in 1...40 { #expect(queue.add(delivery("input:door", UInt64(number))).isEmpty) }
    // Never an older edge after a newer one.
    #expect(drain(&queue) == (1...15).map { "input:door \($0)" } + ["input:door 40 ×25"])
  }

  @Test func aFullQueueRefusesTheLeastUrgent() {
    var queue = DeliveryQueue()
    for number in 1...64 { #expect(queue.add(delivery("a:b\(number)", UInt64(number), .low)).isEmpty) }
    #expect(queue.add(delivery("a:late", 99, .low)).map(\.event.id.low) == [99])
    #expect(queue.add(delivery("a:urgent", 100, .high)).map(\.event.id.low) == [64])
    #expect(queue.count == 64)
    #expect(queue.next()?.event.type == "a:urgent")
  }

  @Test func aFiringThatIsEndedTakesOnlyWhatIsItsAlone() {
    var queue = DeliveryQueue()
    _ = queue.add(delivery("a:1", 1, firing: 7))
    _ = queue.add(delivery("a:2", 2, firing: 8))
    _ = queue.add(delivery("sensor:t", 3, firing: 7))
    _ = queue.add(delivery("sensor:t", 4, firing: 8))
    _ = queue.add(delivery("a:5", 5))
    #expect(queue.remove(firing: 7).map(\.event.id.low) == [1])
    #expect(queue.remove(firing: 7).isEmpty)
    #expect(drain(&queue) == ["a:2 2", "sensor:t 4 ×2", "a:5 5"])
  }

  @Test func nothingIsLostWithoutAWord() {
    var dice = SeededGenerator(4)
    for _ in 0..<30 {
      var queue = DeliveryQueue()
      var (added, taken, finished) = (0, 0, 0)
      for number in 0..<600 {
        let type = (0..<90).map { $0 < 5 ? "sensor:\($0)" : "x:\($0)" }.randomElement(using: &dice) ?? ""
        let priority = Priority.allCases.randomElement(using: &dice) ?? .normal
        added += 1
        for refused in queue.add(delivery(type, UInt64(number), priority, { finished += 1 })) {
          taken += refused.count
          refused.finish(.handled)
        }
        #expect(queue.count <= DeliveryQueue.limit)
        if Int.random(in: 0..<4, using: &dice) == 0, let next = queue.next() {
          taken += next.count
          next.finish(.handled)
        }
      }
      var last = Priority.emergency
      for delivery in queue.removeAll() {
        #expect(delivery.event.priority >= last)
        last = delivery.event.priority
        taken += delivery.count
        delivery.finish(.handled)
      }
      #expect(taken == added && finished == added)
    }
  }
}

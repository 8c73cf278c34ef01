import Model
import TestKit
import Testing

@Suite struct TimeTests {
  @Test(arguments: [
    (Duration.milliseconds(350), "350 ms"), (.milliseconds(4700), "5 s"), (.seconds(60), "1 min"),
    (.seconds(330), "5 min 30 s"), (.milliseconds(86_324_690), "23 h 59 min"), (.seconds(86_400), "1 d"),
    (.seconds(2 * 86_400 + 3 * 3600), "2 d 3 h"), (.zero, "0 ms"), (.nanoseconds(1), "1 ms"),
  ])
  func spokenDurationsAreForPeople(_ time: Duration, _ text: String) { #expect(time.spoken == text) }

  @Test func instantsAreClampedToTheirRange() {
    let early = Instant(nanoseconds: 5)
    #expect(early + .nanoseconds(-9) == Instant(nanoseconds: 0))
    #expect(Instant(nanoseconds: .max) + .seconds(1) == Instant(nanoseconds: .max))
    #expect(early + .seconds(1) == Instant(nanoseconds: 1_000_000_005))
    #expect(early - (early + .seconds(2)) == .seconds(-2))
    #expect(early + .seconds(2) - early == .seconds(2))
    #expect(Instant(nanoseconds: .max) - Instant(nanoseconds: 0) == Duration.nanoseconds(Int64.max))
  }

  @Test func durationsInNanoseconds() {
    #expect(Duration.seconds(-1.5).nanoseconds == -1_500_000_000)
    #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min).nanoseconds == .min)
    #expect(Duration.milliseconds(250).seconds == 0.25)
  }

  @Test func timersRunInOrderOfTheirDeadlines() {
    var queue = TimerQueue()
    var ran: [Int] = []
    for (number, deadline) in [30, 10, 20, 10, 0].enumerated() {
      _ = queue.add(at: Instant(nanoseconds: UInt64(deadline))) { ran.append(number) }
    }
    #expect(queue.nextDeadline() == Instant(nanoseconds: 0))
    while let due = queue.popDue(at: Instant(nanoseconds: 20)) { due.action() }
    #expect(ran == [4, 1, 3, 2])
    #expect(queue.count == 1)
    #expect(queue.nextDeadline() == Instant(nanoseconds: 30))
  }

  /// Compares with a sorted list, with many cancellations, so that empty slots are removed too.
  @Test func timersAgreeWithASortedList() {
    var dice = SeededGenerator(3)
    for _ in 0..<20 {
      var queue = TimerQueue()
      var expected: [(deadline: UInt64, order: Int, id: TimerID)] = []
      var now: UInt64 = 0
      for order in 0..<600 {
        switch Int.random(in: 0..<4, using: &dice) {
        case 0, 1:
          let deadline = now + UInt64.random(in: 0..<200, using: &dice)
          let id = queue.add(at: Instant(nanoseconds: deadline)) {}
          expected.append((deadline, order, id))
        case 2:
          guard let victim = expected.indices.randomElement(using: &dice) else { continue }
          queue.cancel(expected[victim].id)
          queue.cancel(expected[victim].id)
          expected.remove(at: victim)
        default:
          now += UInt64.random(in: 0..<40, using: &dice)
          expected.sort { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
          while let due = queue.popDue(at: Instant(nanoseconds: now)) {
            #expect(due.deadline.nanoseconds == expected.first?.deadline)
            expected.removeFirst()
          }
          #expect(expected.first.map { $0.deadline > now } ?? true)
        }
        #expect(queue.count == expected.count)
        #expect(queue.nextDeadline()?.nanoseconds == expected.map(\.deadline).min())
      }
    }
  }

  @Test func theManualClockRunsTimersAtTheirTime() {
    let clock = ManualClock(start: Instant(nanoseconds: 0))
    var seen: [Duration] = []
    let start = clock.now
    clock.schedule(after: .seconds(2)) { seen.append(clock.now - start) }
    clock.schedule(after: .seconds(1)) {
      seen.append(clock.now - start)
      clock.schedule(after: .milliseconds(500)) { seen.append(clock.now - start) }
    }
    let cancelled = clock.schedule(after: .seconds(1)) { seen.append(.zero) }
    clock.cancel(cancelled)
    clock.advance(by: .seconds(3))
    #expect(seen == [.seconds(1), .milliseconds(1500), .seconds(2)])
    #expect(clock.now - start == .seconds(3))
    #expect(clock.waiting == 0)
  }

  @Test func theManualClockNeverGoesBack() {
    let clock = ManualClock()
    let start = clock.now
    let wall = clock.wallMilliseconds
    clock.schedule(after: .seconds(1)) { clock.advance(by: .seconds(10)) }
    clock.advance(by: .seconds(2))
    #expect(clock.now - start == .seconds(11))
    #expect(clock.wallMilliseconds == wall + 11_000)
    clock.advance(by: .seconds(-5))
    #expect(clock.now - start == .seconds(11))
    clock.jumpWall(by: .seconds(-3600))
    #expect(clock.wallMilliseconds == wall + 11_000 - 3_600_000)
    #expect(clock.now - start == .seconds(11))
  }
}

import Model
import Rules
import Testing

@Suite struct ModifierTests {
  @Test func holdFiresAtTheDeadlineWithTheNewestEvent() throws {
    let bench = try RuleBench(hot { $0.hold = .seconds(10) })
    bench.measure(31)
    bench.clock.advance(by: .seconds(4))
    bench.measure(32)
    bench.clock.advance(by: .milliseconds(5999))
    #expect(bench.firings.isEmpty)
    bench.clock.advance(by: .milliseconds(1))
    #expect(bench.story == ["32.0×2"])
    // The condition has held long enough: each match fires, until the condition is false.
    bench.measure(33)
    #expect(bench.story == ["32.0×2", "33.0×1"])
    bench.measure(20)
    bench.measure(34)
    #expect(bench.firings.count == 2)
    bench.clock.advance(by: .seconds(10))
    #expect(bench.story.last == "34.0×1")
  }

  @Test func holdIsCancelledByAnEventThatDoesNotMatch() throws {
    let bench = try RuleBench(hot { $0.hold = .seconds(10) })
    bench.measure(31)
    bench.clock.advance(by: .seconds(9))
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("for: has held 9s of 10s"))
    bench.measure(29)
    #expect(bench.clock.waiting == 0)
    bench.clock.advance(by: .seconds(60))
    #expect(bench.firings.isEmpty)
    bench.measure(31)
    bench.emit("sensor:temperature")
    bench.clock.advance(by: .seconds(60))
    #expect(bench.firings.isEmpty, "an error does not hold either")
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("must hold for 10s, starting now"))
  }

  @Test func cooldown() throws {
    let bench = try RuleBench(hot { $0.cooldown = .seconds(60) })
    for second in 0..<180 {
      bench.measure(31 + Double(second))
      bench.clock.advance(by: .seconds(1))
    }
    #expect(bench.story == ["31.0×1", "91.0×1", "151.0×1"])
  }

  @Test func debounceWaitsForQuiet() throws {
    let bench = try RuleBench(hot { $0.debounce = .seconds(2) })
    for value in 1...5 {
      bench.measure(30 + Double(value))
      bench.clock.advance(by: .seconds(1))
    }
    #expect(bench.firings.isEmpty)
    // Events that do not match do not restart the quiet time.
    bench.measure(10)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.story == ["35.0×5"])
    bench.clock.advance(by: .seconds(60))
    #expect(bench.firings.count == 1 && bench.clock.waiting == 0)
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("debounce: fires once nothing"))
  }

  @Test func throttleFiresAtOnceAndFoldsTheRest() throws {
    let bench = try RuleBench(hot { $0.throttle = .seconds(10) })
    bench.measure(31)
    #expect(bench.story == ["31.0×1"])
    bench.clock.advance(by: .seconds(1))
    bench.measure(32)
    bench.measure(33)
    #expect(bench.firings.count == 1)
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("throttle: folded into the firing in 9s"))
    bench.clock.advance(by: .seconds(9))
    #expect(bench.story == ["31.0×1", "33.0×2"])
    // The second firing has opened a new window.
    bench.measure(34)
    #expect(bench.firings.count == 2)
    bench.clock.advance(by: .seconds(10))
    #expect(bench.story.last == "34.0×1")
    bench.clock.advance(by: .seconds(20))
    bench.measure(35)
    #expect(bench.story.last == "35.0×1" && bench.firings.count == 4)
  }

  @Test func throttleTurnsABurstIntoAFewFirings() throws {
    let bench = try RuleBench(hot { $0.throttle = .seconds(1) })
    for number in 0..<10_000 {
      bench.measure(31 + Double(number))
      bench.clock.advance(by: .microseconds(100))
    }
    bench.clock.advance(by: .seconds(5))
    #expect(bench.firings.count == 2)
    #expect(bench.firings.map(\.count).reduce(0, +) == 10_000)
    #expect(bench.clock.waiting == 0)
  }

  @Test func maxPerHourIsASlidingWindow() throws {
    let bench = try RuleBench(hot { $0.maxPerHour = 3 })
    var times: [Int] = []
    for minute in 0..<180 {
      let before = bench.firings.count
      bench.measure(31)
      if bench.firings.count > before { times.append(minute) }
      bench.clock.advance(by: .seconds(60))
    }
    #expect(times == [0, 1, 2, 60, 61, 62, 120, 121, 122])
    bench.measure(31)
    bench.measure(31)
    bench.measure(31)
    #expect(
      bench.reason("sensor:temperature", ["value": 31.0])
        == "no: condition is true: value = 31.0; max_per_hour: 3 of 3 used, the next in 1 min")
  }

  @Test func singleDropsFiringsWhileOneRuns() throws {
    let bench = try RuleBench(hot())
    bench.finishesAtOnce = false
    bench.measure(31)
    bench.measure(32)
    #expect(bench.story == ["31.0×1"])
    #expect(
      bench.reason("sensor:temperature", ["value": 31.0]).contains("mode single: its last firing is still running"))
    bench.rules.finished(bench.firings[0].id)
    bench.measure(33)
    #expect(bench.story == ["31.0×1", "33.0×1"])
    bench.rules.finished(999)
  }

  @Test func restartEndsTheRunningFiring() throws {
    let bench = try RuleBench(hot { $0.mode = .restart })
    bench.finishesAtOnce = false
    bench.measure(31)
    bench.measure(32)
    #expect(bench.firings.count == 2)
    #expect(bench.firings[1].replaces == bench.firings[0].id)
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).hasSuffix("ends the running firing"))
    bench.rules.finished(bench.firings[0].id)
    bench.measure(33)
    #expect(bench.firings[2].replaces == bench.firings[1].id)
    bench.rules.finished(bench.firings[2].id)
    bench.measure(34)
    #expect(bench.firings[3].replaces == nil)
  }

  @Test func parallelFiringsOverlap() throws {
    let bench = try RuleBench(hot { $0.mode = .parallel })
    bench.finishesAtOnce = false
    for value in 31...35 { bench.measure(Double(value)) }
    #expect(bench.firings.count == 5 && bench.firings.allSatisfy { $0.replaces == nil })
    #expect(Set(bench.firings.map(\.id)).count == 5)
  }

  @Test func queuedWaitsInOrderAndFoldsBeyondItsLimit() throws {
    let bench = try RuleBench(hot { $0.mode = .queued })
    bench.finishesAtOnce = false
    for value in 0..<30 { bench.measure(100 + Double(value)) }
    #expect(bench.story == ["100.0×1"])
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("the queue is full"))
    for number in 0..<16 {
      bench.rules.finished(bench.firings[number].id)
      #expect(bench.firings.count == number + 2)
    }
    #expect(bench.story[1] == "101.0×1" && bench.story[15] == "115.0×1")
    #expect(bench.story[16] == "129.0×14")
    #expect(bench.firings.map(\.count).reduce(0, +) == 30)
    bench.rules.finished(bench.firings[16].id)
    #expect(bench.firings.count == 17)
    #expect(bench.rules.statuses()[0].fired == 17)
  }

  @Test func queuedFiringsThatFinishImmediatelyDoNotPileUp() throws {
    let bench = try RuleBench(hot { $0.mode = .queued })
    bench.finishesAtOnce = false
    for value in 0..<10 { bench.measure(100 + Double(value)) }
    bench.finishesAtOnce = true
    bench.rules.finished(bench.firings[0].id)
    #expect(bench.firings.count == 10)
  }

  @Test func modifiersCombine() throws {
    let bench = try RuleBench(
      hot {
        $0.hold = .seconds(10)
        $0.cooldown = .seconds(60)
      })
    for second in 0..<200 {
      bench.measure(31 + Double(second))
      bench.clock.advance(by: .seconds(1))
    }
    // True from 0 s; fires at 10 s with the reading of 9 s, then whenever the cooldown allows.
    #expect(bench.story == ["40.0×10", "101.0×1", "161.0×1", "221.0×1"])
  }
}

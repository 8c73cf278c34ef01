import Model
import TestKit
import Testing

@testable import Watchdog

@Suite struct SlidingWindowTests {
  private let start = Instant(nanoseconds: 1_000_000_000)

  @Test func anAmountCountsForExactlyTheWindow() {
    var window = SlidingWindow(.seconds(1))
    window.add(3, at: start)
    #expect(window.used(at: start + .nanoseconds(999_999_999)) == 3)
    #expect(window.used(at: start + .seconds(1)) == 0)
  }

  @Test func infrequentAmountsAreExact() {
    var window = SlidingWindow(.seconds(1))
    for step in 0..<10 { window.add(1, at: start + .milliseconds(Int64(100 * step))) }
    #expect(window.used(at: start + .milliseconds(950)) == 10)
    #expect(window.used(at: start + .milliseconds(1050)) == 9)
    #expect(window.wait(untilAtMost: 8, at: start + .milliseconds(1050)) == .milliseconds(50))
    #expect(window.wait(untilAtMost: 9, at: start + .milliseconds(1050)) == .zero)
    #expect(window.wait(untilAtMost: 0, at: start + .milliseconds(1050)) == .milliseconds(850))
    #expect(window.wait(untilAtMost: -1, at: start + .milliseconds(1050)) == .milliseconds(850))
  }

  @Test func aClockThatGoesBackIsIgnored() {
    var window = SlidingWindow(.seconds(1))
    window.add(1, at: start + .seconds(5))
    window.add(1, at: start)
    #expect(window.used(at: start) == 2)
    #expect(window.used(at: start + .milliseconds(5999)) == 2)
    #expect(window.used(at: start + .seconds(6)) == 0)
  }

  @Test func theSumDoesNotOverflow() {
    var window = SlidingWindow(.seconds(1))
    window.add(.max, at: start)
    window.add(.max, at: start + .milliseconds(500))
    window.add(-5, at: start)
    #expect(window.used(at: start + .milliseconds(500)) == .max)
    #expect(window.used(at: start + .seconds(1)) == 0)
  }

  /// Against a list of all amounts: the sum is never lower than the exact one, never higher than that of a window
  /// longer by 1/32, and the granted amounts never exceed the limit in any window.
  @Test(arguments: UInt64(1)...12) func theSumIsNeverTooLowAndTheLimitHolds(seed: UInt64) {
    var random = SeededGenerator(seed)
    let length = Duration.milliseconds(Int64.random(in: 1...2000, using: &random))
    let limit = Int64.random(in: 1...200, using: &random)
    var window = SlidingWindow(length)
    var passed: [(at: Instant, amount: Int64)] = []
    var now = start
    for _ in 0..<600 {
      now = now + .nanoseconds(Int64.random(in: 0...length.nanoseconds / 20, using: &random))
      let amount = Int64.random(in: 1...5, using: &random)
      let exact = passed.reduce(0) { $1.at + length > now ? $0 + $1.amount : $0 }
      let late = passed.reduce(0) { $1.at + length + length / 32 > now ? $0 + $1.amount : $0 }
      let used = window.used(at: now)
      #expect(used >= exact && used <= late)
      if used + amount <= limit {
        window.add(amount, at: now)
        passed.append((now, amount))
      } else if amount <= limit {
        let wait = window.wait(untilAtMost: limit - amount, at: now)
        #expect(wait > .zero)
        var later = window
        #expect(later.used(at: now + wait) + amount <= limit)
        #expect(later.used(at: now + wait) < used)
      }
    }
    var first = 0
    for last in passed.indices {
      while passed[first].at + length <= passed[last].at { first += 1 }
      #expect(passed[first...last].reduce(0) { $0 + $1.amount } <= limit)
    }
  }

  @Test func memoryIsBoundedInAStorm() {
    var window = SlidingWindow(.seconds(86_400))
    var now = start
    for _ in 0..<200_000 {
      window.add(1, at: now)
      now = now + .milliseconds(700)
    }
    #expect((16...SlidingWindow.entryLimit).contains(window.count))
  }
}

import Model
import TestKit
import Testing
import Watchdog

/// The judgement of beats.
@Suite struct LoopHealthTests {
  private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }

  private func sample(
    _ now: Double, late: Double = 0, cpu: Double = 0, delay: Double? = 0, stall: Double? = nil,
    turns: UInt64? = nil, queue: (waiting: Int, taken: UInt64) = (0, 0), workers: [LoopHealth.Worker] = [],
    holder: String? = nil
  ) -> LoopHealth.Sample {
    LoopHealth.Sample(
      now: at(now), due: at(now - late), turns: turns ?? UInt64(now * 1000), cpu: .seconds(cpu),
      delay: delay.map { .seconds($0) },
      stall: stall.map { .seconds($0) },
      queues: [LoopHealth.Queue("events", waiting: queue.waiting, taken: queue.taken)], workers: workers,
      holder: holder)
  }

  @Test func aBeatInTimeFeedsWithoutReports() {
    var health = LoopHealth()
    for time in 1..<10 {
      let (feeds, reports) = health.beat(sample(Double(time), late: 0.4))
      #expect(feeds && reports.isEmpty)
    }
  }

  @Test func aLateBeatIsReportedWithItsCause() {
    var health = LoopHealth()
    _ = health.beat(sample(1, cpu: 5, delay: 7))
    let busy = health.beat(sample(5, late: 3, cpu: 7.9, delay: 7.1, holder: "agent climate, 2.9s"))
    #expect(busy.feeds)
    #expect(busy.reports == [.late(by: .seconds(3), .busy, holder: "agent climate, 2.9s")])
    let starved = health.beat(sample(9, late: 3, cpu: 8, delay: 9.5, holder: "agent climate, 3s"))
    #expect(starved.reports == [.late(by: .seconds(3), .starved, holder: nil)])
    let blocked = health.beat(sample(13, late: 3, cpu: 8.1, delay: 9.6))
    #expect(blocked.reports == [.late(by: .seconds(3), .blocked, holder: nil)])
    let both = health.beat(sample(17, late: 3, cpu: 9.4, delay: 11))
    #expect(both.reports == [.late(by: .seconds(3), .busy, holder: nil)])
  }

  @Test func withoutSchedulerStatisticsThePressureDecides() {
    var health = LoopHealth()
    _ = health.beat(sample(1, delay: nil, stall: 100))
    #expect(
      health.beat(sample(5, late: 3, delay: nil, stall: 102)).reports == [.late(by: .seconds(3), .starved, holder: nil)]
    )
    #expect(
      health.beat(sample(9, late: 3, delay: nil, stall: 102)).reports == [.late(by: .seconds(3), .blocked, holder: nil)]
    )
    #expect(
      health.beat(sample(13, late: 3, cpu: 3, delay: nil)).reports == [.late(by: .seconds(3), .busy, holder: nil)])
  }

  @Test func aStuckQueueStopsTheFeeding() {
    var health = LoopHealth()
    #expect(health.beat(sample(1, queue: (3, 10))).feeds, "it may have come this moment")
    let stuck = health.beat(sample(2, queue: (5, 10)))
    #expect(!stuck.feeds)
    #expect(stuck.reports == [.stuck("queue events", for: .seconds(1), holdsOutputs: true)])
    let still = health.beat(sample(3, queue: (5, 10)))
    #expect(!still.feeds && still.reports.isEmpty, "said once")
    let moving = health.beat(sample(4, queue: (5, 11)))
    #expect(moving.feeds && moving.reports == [.moving("queue events")])
    #expect(health.beat(sample(5, queue: (0, 11))).feeds)
  }

  /// The work that an event starts also causes a beat: long after the previous one, and before the event is handed on.
  @Test func newEntriesSinceTheLastBeatAreNotStuck() {
    var health = LoopHealth()
    #expect(health.beat(sample(1, queue: (0, 10))).feeds)
    let first = health.beat(sample(3, queue: (2, 10)))
    #expect(first.feeds && first.reports.isEmpty)
    #expect(
      health.beat(sample(3.6, queue: (2, 10))).reports
        == [.stuck("queue events", for: .milliseconds(600), holdsOutputs: true)])
    #expect(health.beat(sample(4, queue: (0, 10))).reports == [.moving("queue events")])
    #expect(health.beat(sample(6, queue: (1, 10))).feeds)
  }

  /// On a loaded machine the loop turns but gets little CPU time.
  @Test func waitingForACPUIsNotStuck() {
    var health = LoopHealth()
    _ = health.beat(sample(1, delay: 0, queue: (3, 10)))
    let starved = health.beat(sample(2, delay: 0.75, queue: (3, 10)))
    #expect(starved.feeds && starved.reports.isEmpty)
    let stuck = health.beat(sample(3, delay: 1.25, queue: (3, 10)))
    #expect(stuck.reports == [.stuck("queue events", for: .milliseconds(750), holdsOutputs: true)])
  }

  /// For example when work begins in the turn in which the daemon has started.
  @Test func twoBeatsWithinOneTurnReportNothing() {
    var health = LoopHealth()
    for (time, turn) in [(1, 7), (1.001, 7), (3, 7), (3.1, 8)] as [(Double, UInt64)] {
      let (feeds, reports) = health.beat(sample(time, turns: turn, queue: (3, 10)))
      #expect(feeds && reports.isEmpty, "at \(time)")
    }
    #expect(!health.beat(sample(3.2, turns: 9, queue: (3, 10))).feeds)
  }

  @Test func aStuckWorkerIsReportedAndOnlyAVitalOneStopsTheFeeding() {
    for isVital in [false, true] {
      var health = LoopHealth()
      let worker = LoopHealth.Worker("i2c-1", busySince: at(1), isVital: isVital)
      #expect(health.beat(sample(10, workers: [worker])).reports.isEmpty)
      let stuck = health.beat(sample(12, workers: [worker]))
      #expect(stuck.feeds)
      #expect(stuck.reports == [.stuck("worker i2c-1", for: .seconds(11), holdsOutputs: isVital)])
      #expect(health.beat(sample(32, workers: [worker])).feeds == !isVital)
      // Recovery by the next job, or by the end of the thread.
      var next = worker
      next.busySince = at(32)
      let moving = health.beat(sample(33, workers: isVital ? [next] : []))
      #expect(moving.feeds && moving.reports == [.moving("worker i2c-1")])
    }
  }

  @Test(arguments: 0..<100) func stuckPartsAreReportedOnceAndRecoverOnce(_ seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    var health = LoopHealth()
    var stuck: Set<String> = []
    var taken: UInt64 = 0
    for step in 1..<200 {
      taken += random.next() % 2
      let workers = (0..<3).filter { _ in random.next() % 3 != 0 }.map { number in
        LoopHealth.Worker(
          "w\(number)", busySince: random.next() % 2 == 0 ? at(max(0, Double(step) - Double(random.next() % 40))) : nil,
          isVital: number == 0)
      }
      let (feeds, reports) = health.beat(
        sample(Double(step), queue: (Int(random.next() % 3), taken), workers: workers))
      for report in reports {
        switch report {
        case .stuck(let what, for: _, holdsOutputs: _):
          let isNew = stuck.insert(what).inserted
          #expect(isNew)
        case .moving(let what):
          let was = stuck.remove(what)
          #expect(was != nil)
        case .late: Issue.record("nothing was late")
        }
      }
      let vital = workers.contains {
        $0.isVital && at(Double(step)) - ($0.busySince ?? at(Double(step))) > .seconds(30)
      }
      #expect(feeds == !(vital || stuck.contains("queue events")))
    }
  }
}

import Agent
import Model
import TestKit
import Testing

@testable import Watchdog

@Suite struct LadderTests {
  private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

  private func measured(_ used: Int64, refused: Int64 = 0) -> Ladder.Measurement {
    Ladder.Measurement(used: used, refused: refused, limit: 100)
  }

  @Test func itGoesUpStepByStepAndReportsEachOnce() {
    var ladder = Ladder()
    let terms = Ladder.Terms.of(.cpu)
    var told: [Ladder.Effect?] = []
    for used in [79, 80, 99, 100, 150, 200, 201] as [Int64] {
      told.append(ladder.use(measured(used), terms, at: at(used)))
    }
    #expect(told == [nil, .warn, nil, .throttle, nil, nil, .stop])
    #expect(ladder.step == .exceeded)
  }

  @Test func aLeapReportsOnlyTheHighestStep() {
    var ladder = Ladder()
    #expect(ladder.use(measured(500), .of(.cpu), at: at(1)) == .stop)
    var another = Ladder()
    #expect(another.use(measured(120), .of(.cpu), at: at(1)) == .throttle)
  }

  @Test func useBeyondTheLastStepStopsAgain() {
    var ladder = Ladder()
    #expect(ladder.use(measured(101), .of(.memory), at: at(1)) == .stop)
    #expect(ladder.use(measured(102), .of(.memory), at: at(2)) == .stop)
    #expect(ladder.look(measured(102), .of(.memory), at: at(3)) == nil)
  }

  @Test func refusalsAloneThrottleAndStop() {
    var ladder = Ladder()
    #expect(ladder.use(measured(50, refused: 1), .of(.events), at: at(1)) == .throttle)
    #expect(ladder.use(measured(50, refused: 150), .of(.events), at: at(1)) == nil)
    #expect(ladder.use(measured(50, refused: 151), .of(.events), at: at(1)) == .stop)
  }

  @Test func excessLogIsRefusedWithoutAStop() {
    var ladder = Ladder()
    #expect(ladder.use(measured(100, refused: 1_000_000), .of(.log), at: at(1)) == .throttle)
    for resource in Resource.allCases {
      #expect((Ladder.Terms.of(resource).stop == nil) == (resource.exitReason == nil))
    }
  }

  @Test func stepsHaveHysteresis() {
    var ladder = Ladder()
    let terms = Ladder.Terms.of(.cpu)
    _ = ladder.use(measured(100), terms, at: at(1))
    #expect(ladder.look(measured(80), terms, at: at(2)) == nil)
    #expect(ladder.look(measured(70, refused: 1), terms, at: at(2)) == nil)
    #expect(ladder.look(measured(79), terms, at: at(3)) == .recover(.warned))
    #expect(ladder.look(measured(60), terms, at: at(4)) == nil)
    #expect(ladder.use(measured(79), terms, at: at(4)) == nil)
    #expect(ladder.look(measured(59), terms, at: at(5)) == .recover(.normal))
    #expect(ladder.look(measured(0), terms, at: at(6)) == nil)
  }

  @Test func heldResourcesStepDownAfterAQuietTime() {
    var ladder = Ladder()
    let terms = Ladder.Terms.of(.activation)
    #expect(ladder.use(measured(90), terms, at: at(1)) == .warn)
    #expect(ladder.use(measured(10), terms, at: at(2)) == nil)
    #expect(ladder.due(measured(10), terms) == at(11))
    #expect(ladder.use(measured(90), terms, at: at(9)) == nil)
    #expect(ladder.use(measured(10), terms, at: at(18)) == nil)
    #expect(ladder.use(measured(10), terms, at: at(19)) == .recover(.normal))
  }

  @Test func aZeroBudgetIsNotUsedUpWithoutUse() {
    var ladder = Ladder()
    let none = Ladder.Measurement(used: 0, limit: 0)
    #expect(ladder.use(none, .of(.events), at: at(1)) == nil)
    #expect(ladder.use(Ladder.Measurement(used: 0, refused: 1, limit: 0), .of(.events), at: at(1)) == .stop)
    #expect(ladder.look(none, .of(.events), at: at(1)) == .recover(.normal))
  }

  /// For random measurements: each step is reported exactly when it is taken, a look never leads up, and calm ends at
  /// `normal`.
  @Test(arguments: UInt64(1)...6) func everyStepOfRandomPathsIsReported(seed: UInt64) {
    var random = SeededGenerator(seed)
    for resource in Resource.allCases {
      let terms = Ladder.Terms.of(resource)
      var ladder = Ladder()
      var now: Int64 = 0
      for _ in 0..<2000 {
        now += Int64.random(in: 0...5, using: &random)
        let before = ladder.step
        let measurement = measured(
          Int64.random(in: 0...250, using: &random), refused: Bool.random(using: &random) ? 0 : 120)
        if Bool.random(using: &random) {
          let effect = ladder.look(measurement, terms, at: at(now))
          #expect(ladder.step <= before)
          #expect((effect == nil) == (ladder.step == before))
        } else {
          let effect = ladder.use(measurement, terms, at: at(now))
          if case .recover(let step)? = effect { #expect(step < before && ladder.step == step) }
          if effect == nil { #expect(ladder.step == before) }
          if effect == .stop { #expect(ladder.step == .exceeded) }
        }
      }
      _ = ladder.look(measured(0), terms, at: at(now + 100))
      _ = ladder.look(measured(0), terms, at: at(now + 200))
      #expect(ladder.step == .normal)
      #expect(ladder.threshold(terms, limit: 100) == nil)
    }
  }
}

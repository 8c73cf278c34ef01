import Model
import Testing

@testable import AgentProcess

/// The time of an activation of a program, which stands still while it waits for a model.
@Suite struct ActivationTimeTests {
  private let begin = Instant(nanoseconds: 1_000_000_000)

  @Test func itStandsStillWhileTheAgentWaits() {
    var time = ActivationTime(.seconds(10), at: begin, isWaiting: false)
    #expect(time.deadline == begin + .seconds(10))
    time.pause(at: begin + .seconds(4))
    time.pause(at: begin + .seconds(5))
    #expect(time.deadline == nil)
    time.resume(at: begin + .seconds(64))
    time.resume(at: begin + .seconds(65))
    #expect(time.deadline == begin + .seconds(70))
    let cost = time.cost(at: begin + .seconds(66))
    #expect(cost.totalTime == 66_000_000_000 && cost.waitTime == 60_000_000_000)
  }

  /// A program may end an activation and go on to wait for what it has asked in it.
  @Test func oneThatBeginsDuringAWaitStandsStillAtOnce() {
    var time = ActivationTime(.seconds(10), at: begin, isWaiting: true)
    #expect(time.deadline == nil)
    #expect(time.cost(at: begin + .seconds(3)).waitTime == 3_000_000_000)
    time.resume(at: begin + .seconds(60))
    #expect(time.deadline == begin + .seconds(70))
  }

  @Test func aWaitAtTheEndLeavesNoTime() {
    var time = ActivationTime(.seconds(1), at: begin, isWaiting: false)
    time.pause(at: begin + .seconds(2))
    time.resume(at: begin + .seconds(3))
    #expect(time.deadline == begin + .seconds(3))
  }
}

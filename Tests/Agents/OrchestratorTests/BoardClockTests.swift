import EventLoop
import HALTestKit
import Model
import Testing

@testable import Orchestrator

/// When rules may go by the wall clock, which begins at 2026-01-01T00:00:00Z.
@Suite struct BoardClockTests {
  private let clock = ManualClock()
  private let sink: RecordingSink

  init() { sink = RecordingSink(clock: clock) }

  /// A chip that shows the time, or does not; what is remembered for the next daemon.
  private final class Board {
    var hasChip = false
    var remembered = 0

    func evidence(wasTrusted: Bool = false) -> BoardClock.Evidence {
      BoardClock.Evidence(
        wasTrusted: wasTrusted, agreesWithChip: { self.hasChip }, remember: { self.remembered += 1 })
    }
  }

  private func types() -> [String] { sink.events.map(\.type) }

  @Test func oneThatWasSynchronisedIsTrustedForGood() {
    let board = Board()
    clock.wallIsSynchronised = true
    let boardClock = BoardClock(.trusted, clock: clock, events: sink, evidence: board.evidence())
    #expect(boardClock.isTrusted && board.remembered == 1)
    clock.wallIsSynchronised = false
    boardClock.wasSet()
    #expect(boardClock.isTrusted && types().isEmpty)
  }

  @Test func aBoardMaySayThatAnyClockWillDo() {
    clock.wallIsSynchronised = false
    #expect(BoardClock(.any, clock: clock, events: sink).isTrusted)
    #expect(!BoardClock(.trusted, clock: clock, events: sink).isTrusted)
  }

  @Test func whatADaemonOfThisBootTrustedIsTrusted() {
    clock.wallIsSynchronised = false
    #expect(BoardClock(.trusted, clock: clock, events: sink, evidence: Board().evidence(wasTrusted: true)).isTrusted)
  }

  /// The last time stored is the start of the daemon before.
  @Test(arguments: [
    (true, Int64(60_000), true), (true, -60_000, false), (false, 60_000, false), (true, 0, false),
  ])
  func aChipSpeaksForATimeThatIsLaterThanWhatIsStored(_ hasChip: Bool, _ ahead: Int64, _ isTrusted: Bool) {
    clock.wallIsSynchronised = false
    clock.jumpWall(by: .seconds(86_400))
    let board = Board()
    board.hasChip = hasChip
    let boardClock = BoardClock(.trusted, clock: clock, events: sink, evidence: board.evidence())
    #expect(!boardClock.isTrusted)
    boardClock.lastStored = UInt64(Int64(clock.wallMilliseconds) - ahead)
    #expect(boardClock.isTrusted == isTrusted)
    #expect(types() == (isTrusted ? ["system:clock_trusted"] : []))
    #expect(board.remembered == (isTrusted ? 1 : 0))
  }

  /// A chip whose battery was empty begins at 1970 or so: nothing may have been stored yet.
  @Test func noTimeBeforeThisProgramIsTrusted() {
    clock.wallIsSynchronised = false
    clock.jumpWall(by: .seconds(-86_400))
    let board = Board()
    board.hasChip = true
    let boardClock = BoardClock(.trusted, clock: clock, events: sink, evidence: board.evidence())
    boardClock.lastStored = 0
    #expect(!boardClock.isTrusted)
  }

  @Test func stepsAreToldAndTrustGoesWithThem() {
    clock.wallIsSynchronised = false
    let boardClock = BoardClock(.trusted, clock: clock, events: sink)
    var changes = 0
    boardClock.onChange = { changes += 1 }
    clock.onWallSet = { boardClock.wasSet() }
    clock.advance(by: .seconds(100))
    clock.jumpWall(by: .seconds(-3600))
    #expect(types() == ["system:clock_set"] && sink.events[0]["by_ms"] == -3_600_000 && !boardClock.isTrusted)
    clock.wallIsSynchronised = true
    clock.jumpWall(by: .seconds(7200))
    #expect(types() == ["system:clock_set", "system:clock_set", "system:clock_trusted"] && boardClock.isTrusted)
    // Each once.
    #expect(changes == 2)
  }

  /// Not every program that synchronises a clock sets it; without anybody who waits, nobody looks.
  @Test func whoeverWaitsLooksNowAndThen() {
    clock.wallIsSynchronised = false
    let boardClock = BoardClock(.trusted, clock: clock, events: sink)
    #expect(clock.waiting == 0)
    boardClock.isWanted(true)
    boardClock.isWanted(true)
    #expect(clock.waiting == 1)
    clock.advance(by: .seconds(3600))
    #expect(!boardClock.isTrusted && clock.nextDeadline().map { $0 - clock.now <= .seconds(60) } == true)
    clock.wallIsSynchronised = true
    clock.advance(by: .seconds(60))
    #expect(boardClock.isTrusted && clock.waiting == 0)
  }
}

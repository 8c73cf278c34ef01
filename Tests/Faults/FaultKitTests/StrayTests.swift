import Model
import Testing

@testable import FaultKit

/// What the checker makes of outputs that something else than daemon and guardian has moved.
@Suite struct StrayTests {
  private let board = History.board

  /// A second before each look something else switches the cooler on, which nobody holds.
  private func strayed(refresh: Duration? = nil) -> History {
    let history = History(board)
    history.invariants.interfered("cooler", level: 1, at: History.at(1), isHeld: false, refresh: refresh)
    history.look(2)
    #expect(history.broken == [])
    return history
  }

  @Test func whatSomethingElseMovedStaysUntilThereIsAReasonToTellIt() {
    let history = strayed()
    history.look(1000)
    #expect(history.broken == [])
    // `off`, and the daemon believes that it is.
    history.invariants.isTold("cooler", at: History.at(1000))
    history.look(1000.001)
    #expect(history.broken == ["belief", "lease"])
  }

  @Test func aCommandThatIsWrittenMendsIt() {
    let history = strayed()
    history.drive("cooler", 0, at: 3)
    history.invariants.isTold("cooler", at: History.at(3))
    history.look(4)
    #expect(history.broken == [])
  }

  @Test func anEmergencyStopTellsEveryOutput() {
    let history = strayed()
    history.invariants.stopIsAskedFor(at: History.at(3))
    history.isStopped = true
    history.look(3.001)
    #expect(history.broken == ["belief", "lease", "emergency stop"])
    // What is moved after it waits for the next reason.
    let later = History(board)
    later.isStopped = true
    later.invariants.stopIsAskedFor(at: History.at(3))
    later.invariants.interfered("cooler", level: 1, at: History.at(4), isHeld: false, refresh: nil)
    later.look(5)
    #expect(later.broken == [])
    later.invariants.stopIsAskedFor(at: History.at(6))
    later.look(6.001)
    #expect(later.broken.contains("emergency stop"))
  }

  @Test func theEndOfALeaseIsAReason() {
    let history = History(board)
    history.drive("cooler", 0.5, at: 1, lease: 4)
    history.look(1)
    history.invariants.interfered("cooler", level: 1, at: History.at(2), isHeld: true, refresh: nil)
    history.look(3)
    #expect(history.broken == [])
    history.views["cooler"] = ActuatorView(level: 0, isSettled: true, holder: nil, leaseEnd: nil)
    history.look(5)
    history.look(5.001)
    #expect(history.broken == ["belief", "lease"])
  }

  @Test func aLeaseThatHadEndedBeforeIsNone() {
    let history = History(board)
    history.drive("cooler", 0.5, at: 1, lease: 4)
    history.look(1)
    // It ends and is told so, and then is moved, before anybody looks.
    history.drive("cooler", 0, at: 2)
    history.invariants.interfered("cooler", level: 1, at: History.at(2), isHeld: false, refresh: nil)
    history.look(2)
    history.look(9)
    #expect(history.broken == [])
  }

  @Test func aChipThatForgetsIsToldAgainByItself() {
    let history = strayed(refresh: .seconds(5))
    history.look(8.9)
    #expect(history.broken == [])
    history.look(9.1)
    history.look(9.2)
    #expect(history.broken == ["belief", "lease"])
  }

  @Test func nobodyKnowsHowLongItWasWhereSomethingElseHadMovedIt() {
    let history = History(board)
    history.drive("heater", 1, at: 2, lease: 60)
    history.invariants.interfered("heater", level: 0, at: History.at(6), isHeld: true, refresh: nil)
    // Told again: neither min_off nor max_on counts from what it did meanwhile.
    history.drive("heater", 1, at: 6.5, lease: 60)
    history.look(11.5)
    #expect(history.broken == [])
    history.look(11.501)
    #expect(history.broken == ["max_on"])
  }

  @Test func nobodyWaitsForARivalThatSomethingElseHasMoved() {
    let history = strayed()
    history.drive("heater", 1, at: 3, lease: 1)
    history.drive("heater", 0, at: 4)
    // It is told, and on its way.
    history.invariants.isTold("cooler", at: History.at(7))
    history.drive("heater", 1, at: 7, lease: 1)
    #expect(history.broken == [])
    history.drive("heater", 0, at: 8)
    history.drive("cooler", 0.5, at: 8, lease: 9)
    history.drive("heater", 1, at: 11, lease: 1)
    #expect(history.broken == ["exclusive_with"])
  }

  @Test func theGuardianTellsWhatItMakesSafeWhereverItIs() {
    let history = strayed()
    history.invariants.daemonDies(safeBy: History.at(3), readyBy: History.at(9))
    history.look(3.1)
    #expect(history.broken == ["safe after death"])
    // One that dies before its guardian is in charge is no reason for anybody.
    let early = strayed()
    early.invariants.daemonDies(safeBy: History.at(3), readyBy: History.at(9), isSeenTo: false)
    early.look(3.1)
    #expect(early.broken == [])
    // What is moved while no daemon lives waits for the next one, whatever lease it had.
    let later = History(board)
    later.drive("cooler", 1, at: 1, lease: 60)
    later.look(2)
    later.drive("cooler", 0, at: 2.5)
    later.invariants.daemonDies(safeBy: History.at(3), readyBy: History.at(9))
    later.invariants.interfered("cooler", level: 1, at: History.at(4), isHeld: false, refresh: nil)
    later.look(5)
    #expect(later.broken == [])
    later.invariants.daemonStarts(at: History.at(6))
    later.invariants.daemonIsReady(at: History.at(6))
    later.look(6.001)
    #expect(later.broken == ["belief", "lease"])
  }

  @Test func whatAStuckDaemonHoldsIsToldAtTheEndOfItsLease() {
    for isHeld in [false, true] {
      let history = History(board)
      if isHeld { history.drive("cooler", 0.5, at: 1, lease: 4) }
      history.look(1)
      history.invariants.interfered("cooler", level: 1, at: History.at(2), isHeld: true, refresh: nil)
      history.invariants.daemonSticks(at: History.at(2), isGuarded: true)
      history.look(6)
      #expect(history.broken == (isHeld ? ["lease of a stuck daemon"] : []))
    }
  }

  @Test func whatIsNotThereIsNotBelieved() {
    for isSettled in [false, true] {
      let history = History(board)
      history.invariants.unplugged("cooler", until: History.at(9))
      history.views["cooler"] = ActuatorView(level: 0, isSettled: isSettled, holder: nil, leaseEnd: nil)
      history.look(2)
      #expect(history.broken == (isSettled ? ["presence"] : []))
      history.views["cooler"] = ActuatorView(level: 0, isSettled: true, holder: nil, leaseEnd: nil)
      history.look(9)
      #expect(history.broken == (isSettled ? ["presence"] : []))
    }
  }
}

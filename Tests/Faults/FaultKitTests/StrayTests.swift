import Model
import Testing

@testable import FaultKit

/// `Invariants` with outputs that were moved by something other than daemon and guardian.
@Suite struct StrayTests {
  private let board = History.board

  /// A history in which the cooler, which has no holder, is switched on from outside at 1 s.
  private func strayed(refresh: Duration? = nil) -> History {
    let history = History(board)
    history.invariants.interfered("cooler", level: 1, at: History.at(1), isHeld: false, refresh: refresh)
    history.look(2)
    #expect(history.broken == [])
    return history
  }

  @Test func strayOutputStaysUntilTheNextReason() {
    let history = strayed()
    history.look(1000)
    #expect(history.broken == [])
    // A command `off`, which the daemon believes to be the state already.
    history.invariants.wasCommanded("cooler", at: History.at(1000))
    history.look(1000.001)
    #expect(history.broken == ["belief", "lease"])
  }

  @Test func commandCorrectsAStrayOutput() {
    let history = strayed()
    history.drive("cooler", 0, at: 3)
    history.invariants.wasCommanded("cooler", at: History.at(3))
    history.look(4)
    #expect(history.broken == [])
  }

  @Test func emergencyStopSendsEveryLevel() {
    let history = strayed()
    history.invariants.stopIsAskedFor(at: History.at(3))
    history.isStopped = true
    history.look(3.001)
    #expect(history.broken == ["belief", "lease", "emergency stop"])
    // An output moved after the stop waits for the next reason.
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

  @Test func endOfALeaseIsAReason() {
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

  @Test func leaseThatEndedBeforeIsNoReason() {
    let history = History(board)
    history.drive("cooler", 0.5, at: 1, lease: 4)
    history.look(1)
    // The lease ends and the level is sent; then the output is moved, before the next check.
    history.drive("cooler", 0, at: 2)
    history.invariants.interfered("cooler", level: 1, at: History.at(2), isHeld: false, refresh: nil)
    history.look(2)
    history.look(9)
    #expect(history.broken == [])
  }

  @Test func forgetfulChipIsRefreshed() {
    let history = strayed(refresh: .seconds(5))
    history.look(8.9)
    #expect(history.broken == [])
    history.look(9.1)
    history.look(9.2)
    #expect(history.broken == ["belief", "lease"])
  }

  @Test func timeAsAStrayDoesNotCount() {
    let history = History(board)
    history.drive("heater", 1, at: 2, lease: 60)
    history.invariants.interfered("heater", level: 0, at: History.at(6), isHeld: true, refresh: nil)
    // After the new command, neither min_off nor max_on counts from the stray change.
    history.drive("heater", 1, at: 6.5, lease: 60)
    history.look(11.5)
    #expect(history.broken == [])
    history.look(11.501)
    #expect(history.broken == ["max_on"])
  }

  @Test func strayRivalDoesNotBlock() {
    let history = strayed()
    history.drive("heater", 1, at: 3, lease: 1)
    history.drive("heater", 0, at: 4)
    // The level was sent and is on its way.
    history.invariants.wasCommanded("cooler", at: History.at(7))
    history.drive("heater", 1, at: 7, lease: 1)
    #expect(history.broken == [])
    history.drive("heater", 0, at: 8)
    history.drive("cooler", 0.5, at: 8, lease: 9)
    history.drive("heater", 1, at: 11, lease: 1)
    #expect(history.broken == ["exclusive_with"])
  }

  @Test func guardianSendsSafeStatesToStrayOutputs() {
    let history = strayed()
    history.invariants.daemonDies(safeBy: History.at(3), readyBy: History.at(9))
    history.look(3.1)
    #expect(history.broken == ["safe after death"])
    // A daemon that dies before its guardian is in charge is no reason to send levels.
    let early = strayed()
    early.invariants.daemonDies(safeBy: History.at(3), readyBy: History.at(9), isSeenTo: false)
    early.look(3.1)
    #expect(early.broken == [])
    // An output moved while there is no daemon waits for the next one, whatever its lease.
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

  @Test func guardianCorrectsAStrayAtTheEndOfItsLease() {
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

  @Test func absentOutputHasNoKnownLevel() {
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

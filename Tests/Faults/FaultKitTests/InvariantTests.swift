import Model
import Testing

@testable import FaultKit

/// Each invariant is checked with a history that violates it, and with a similar one that does not.
@Suite struct InvariantTests {
  private let board = History.board

  @Test func maxOn() {
    let history = History(board)
    history.drive("heater", 1, at: 3, lease: 60)
    history.look(8)
    #expect(history.broken == [])
    history.look(8.001)
    #expect(history.broken == ["max_on"])
  }

  @Test func sleepDoesNotCount() {
    let history = History(board)
    history.drive("heater", 1, at: 3, lease: 600)
    history.invariants.everybodySlept(.seconds(100), until: History.at(107))
    history.look(108)
    #expect(history.broken == [])
    history.look(108.001)
    #expect(history.broken == ["max_on"])
  }

  @Test func expiredLease() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 2)
    history.look(3)
    #expect(history.broken == [])
    history.look(3.001)
    #expect(history.broken == ["lease"])
  }

  @Test func missingLease() {
    let history = History(board)
    history.drive("brake", 0, at: 1)
    history.look(1)
    #expect(history.broken == ["lease"])
  }

  @Test func endedHolder() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 20)
    history.dead = ["agent/a"]
    history.look(2)
    #expect(history.broken == ["live holder"])
  }

  @Test func exclusiveOutputs() {
    for (first, second) in [("heater", "cooler"), ("cooler", "heater")] as [(DeviceID, DeviceID)] {
      let history = History(board)
      history.drive(first, 1, at: 3, lease: 9)
      history.drive(first, 0, at: 4)
      history.drive(second, 1, at: 4, lease: 9)
      #expect(history.broken == [])
      history.drive(second, 0, at: 6)
      history.drive(first, 1, at: 7, lease: 9)
      history.drive(second, 1, at: 10, lease: 9)
      #expect(history.broken == ["exclusive_with"])
    }
  }

  @Test func minOff() {
    let history = History(board)
    history.drive("heater", 1, at: 2, lease: 1)
    history.drive("heater", 0, at: 3)
    history.drive("heater", 1, at: 5, lease: 1)
    history.drive("heater", 0, at: 6)
    #expect(history.broken == [])
    history.drive("heater", 1, at: 7.999, lease: 1)
    #expect(history.broken == ["min_off"])
  }

  @Test func maxRate() {
    let history = History(board)
    history.drive("pump", 1, at: 1, lease: 9)
    history.drive("pump", 0.5, at: 2, lease: 9)
    // A change to the safe state is always allowed, and counts.
    history.drive("pump", 0, at: 3)
    history.drive("pump", 1, at: 12.5, lease: 9)
    #expect(history.broken == [])
    history.drive("pump", 0.5, at: 12.6, lease: 9)
    #expect(history.broken == ["max_rate"])
  }

  @Test(arguments: [false, true]) func maxRateAcrossARestart(_ counts: Bool) {
    let history = History(board)
    history.invariants.ratesOutliveTheDaemon = counts
    history.drive("pump", 1, at: 1, lease: 9)
    history.drive("pump", 0, at: 2)
    history.invariants.daemonDies(safeBy: History.at(3), readyBy: History.at(9))
    history.invariants.daemonStarts(at: History.at(4))
    history.drive("pump", 1, at: 5, lease: 1)
    #expect(history.broken == (counts ? ["max_rate"] : []))
    history.drive("pump", 0, at: 6)
    // Changes of an earlier boot do not count.
    history.invariants.powerGoes()
    history.invariants.daemonStarts(at: History.at(7))
    history.drive("pump", 1, at: 8, lease: 1)
    #expect(history.broken == (counts ? ["max_rate"] : []))
  }

  @Test func outputOnDuringAnEmergencyStop() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 9)
    history.look(2)
    #expect(history.broken == [])
    history.isStopped = true
    history.look(2)
    #expect(history.broken == ["emergency stop"])
  }

  @Test func daemonsBeliefMatchesTheOutput() {
    let history = History(board)
    history.views["cooler"] = ActuatorView(level: 1, isSettled: true, holder: "agent/a", leaseEnd: History.at(9))
    history.look(1)
    #expect(history.broken == ["belief"])
  }

  @Test func slowBusIsExcusedOnlyForItsLatency() {
    let history = History(board)
    history.drive("valve", 1, at: 1, lease: 1)
    history.look(1)
    // The safe state was sent but has not arrived yet.
    history.views["valve"] = ActuatorView(level: 0, isSettled: false, holder: nil, leaseEnd: nil)
    for time in [2, 2.03, 2.09] { history.look(time) }
    #expect(history.broken == [])
    history.look(2.2)
    #expect(history.broken == ["lease"])
  }

  @Test func outputOnWithoutADaemon() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 60)
    history.invariants.daemonDies(safeBy: History.at(2.01), readyBy: History.at(5))
    history.look(2.01)
    #expect(history.broken == [])
    history.look(2.02)
    #expect(history.broken == ["safe after death"])
  }

  @Test func leaseOfAStuckDaemonEndsWithin250Milliseconds() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 4)
    history.drive("heater", 0, at: 1)
    history.look(2)
    history.invariants.daemonSticks(at: History.at(2), isGuarded: true)
    history.look(5.25)
    #expect(history.broken == [])
    history.look(5.251)
    #expect(history.broken == ["lease of a stuck daemon"])
  }

  @Test func unheldOutputOfAStuckDaemonIsNotTheGuardiansTask() {
    for isSettled in [false, true] {
      let history = History(board)
      history.drive("cooler", 1, at: 1)
      history.views["cooler"] = ActuatorView(level: 0, isSettled: isSettled, holder: nil, leaseEnd: nil)
      history.invariants.hold { history.views[$0] }
      history.invariants.daemonSticks(at: History.at(2), isGuarded: true)
      history.look(9)
      #expect(history.broken == (isSettled ? ["lease of a stuck daemon"] : []))
      // The watchdog kills the daemon.
      history.invariants.daemonDies(safeBy: History.at(9.01), readyBy: History.at(20))
      history.look(9.02)
      #expect(history.broken.last == "safe after death")
    }
  }

  @Test func maxOnAppliesToAStuckDaemon() {
    let history = History(board)
    history.drive("heater", 1, at: 3, lease: 60)
    history.look(4)
    history.invariants.daemonSticks(at: History.at(4), isGuarded: true)
    history.look(8.25)
    #expect(history.broken == [])
    history.look(8.251)
    #expect(history.broken == ["max_on of a stuck daemon"])
  }

  @Test func leaseOfAStuckDaemonWithoutAGuardianMayStay() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 1)
    history.look(1.5)
    history.invariants.daemonSticks(at: History.at(1.5), isGuarded: true)
    history.invariants.guardianDies()
    history.look(9)
    #expect(history.broken == [])
    // Once its loop turns again, the daemon is responsible.
    history.invariants.daemonWakes(after: .seconds(8), at: History.at(9.5))
    history.look(9.6)
    #expect(history.broken == ["lease"])
  }

  @Test func heldOutputMayStayOnUntilItsLeaseEnds() {
    let held = Board(
      name: "test", backend: .simulated,
      devices: [History.actuator("lamp", ActuatorSettings(onExit: .hold)), History.actuator("fan")])
    let history = History(held)
    history.drive("lamp", 1, at: 1, lease: 9)
    history.look(2)
    history.invariants.daemonDies(safeBy: History.at(2.01), readyBy: History.at(50))
    history.look(10)
    #expect(history.broken == [])
    history.look(10.1)
    #expect(history.broken == ["safe after death"])
  }

  /// The daemon is killed, then the guardian that holds the lamp; the next start hangs before it opens the lamp.
  @Test func outputOfADeadGuardianMayStayUntilItIsOpened() {
    for isOpened in [false, true] {
      let history = History(
        Board(name: "test", backend: .simulated, devices: [History.actuator("lamp", ActuatorSettings(onExit: .hold))]))
      history.drive("lamp", 1, at: 1, lease: 9)
      history.look(2)
      history.invariants.daemonDies(safeBy: History.at(2.01), readyBy: History.at(50))
      history.invariants.guardianDies()
      history.invariants.daemonStarts(at: History.at(3))
      if isOpened { history.drive("lamp", 0.5, at: 3.5, lease: 9) }
      history.look(3.6)
      history.invariants.daemonSticks(at: History.at(4), isGuarded: true)
      history.look(20)
      #expect(history.broken == (isOpened ? ["lease of a stuck daemon"] : []))
    }
  }

  @Test func outputReleasedInAShutdownMayStayUntilTheNextStart() {
    let held = Board(
      name: "test", backend: .simulated,
      devices: [History.actuator("lamp", ActuatorSettings(onExit: .hold)), History.actuator("fan")])
    for device in ["lamp", "fan"] as [DeviceID] {
      let history = History(held)
      history.drive(device, 1, at: 1, lease: 1)
      history.invariants.daemonLetsGo(safeBy: History.at(2), readyBy: History.at(50))
      history.look(10)
      #expect(history.broken == (device == "lamp" ? [] : ["safe after death"]))
      // The next daemon dies before it has opened the output: that is not a shutdown.
      history.invariants.daemonDies(safeBy: History.at(11), readyBy: History.at(50))
      history.look(12)
      #expect(history.broken.last == "safe after death")
    }
  }

  @Test func holderOfAnInheritedLeaseNeedNotExist() {
    let held = Board(
      name: "test", backend: .simulated, devices: [History.actuator("lamp", ActuatorSettings(onExit: .hold))])
    let history = History(held)
    history.drive("lamp", 1, at: 1, lease: 9)
    history.look(2)
    history.invariants.daemonDies(safeBy: History.at(2.01), readyBy: History.at(50))
    history.dead = ["agent/a"]
    history.invariants.daemonStarts(at: History.at(3))
    history.look(3)
    #expect(history.broken == [])
    // The lease was extended, so its holder must exist.
    history.drive("lamp", 1, at: 4, lease: 9)
    history.look(5)
    #expect(history.broken == ["live holder"])
  }

  @Test func missingDaemon() {
    let history = History(board)
    history.invariants.daemonDies(safeBy: History.at(2), readyBy: History.at(5))
    history.look(5)
    #expect(history.broken == [])
    history.look(5.1)
    history.look(5.2)
    #expect(history.broken == ["back in time"])
    let late = History(board)
    late.invariants.daemonDies(safeBy: History.at(2), readyBy: History.at(5))
    late.invariants.daemonIsReady(at: History.at(6))
    #expect(late.broken == ["back in time"])
  }

  @Test func hungStartSuspendsTheTimeLimit() {
    for isLate in [false, true] {
      let history = History(board)
      history.invariants.daemonDies(safeBy: History.at(1), readyBy: History.at(7))
      history.invariants.startHangs(at: History.at(3))
      history.look(30)
      history.invariants.startGoesOn(at: History.at(30))
      history.look(34)
      #expect(history.broken == [])
      history.invariants.daemonIsReady(at: History.at(isLate ? 34.1 : 34))
      #expect(history.broken == (isLate ? ["back in time"] : []))
    }
  }

  @Test func refusingOutputIsExcusedOnlyForAWhile() {
    let history = History(board)
    history.drive("cooler", 1, at: 1, lease: 9)
    history.invariants.fault("cooler", at: History.at(2), until: History.at(3), lies: false)
    history.views["cooler"] = ActuatorView(level: 0, isSettled: false, holder: nil, leaseEnd: nil)
    for time in [3, 4, 5.5] { history.look(time) }
    #expect(history.broken == [])
    history.look(6)
    #expect(history.broken == ["lease"])
  }

  @Test func timeOfALyingOutputDoesNotCount() {
    let history = History(board)
    history.drive("heater", 1, at: 2, lease: 1)
    history.invariants.fault("heater", at: History.at(2), until: History.at(5), lies: true)
    // The safe state was sent at 3 s but took effect only at 9 s; the daemon could not know.
    history.drive("heater", 0, at: 9)
    history.drive("heater", 1, at: 10, lease: 1)
    #expect(history.broken == [])
  }

  @Test func lyingOutputIsTrustedAfterItsNextLevel() {
    let history = History(board)
    history.invariants.fault("cooler", at: History.at(1), until: History.at(3), lies: true)
    history.views["cooler"] = ActuatorView(level: 1, isSettled: true, holder: "agent/a", leaseEnd: History.at(99))
    history.look(2)
    history.look(20)
    #expect(history.broken == [])
    history.invariants.output("cooler", takes: 1, at: History.at(21))
    history.look(22)
    #expect(history.broken == [])
    history.invariants.output("cooler", takes: 0, at: History.at(23))
    history.look(24)
    #expect(history.broken == ["belief"])
  }
}

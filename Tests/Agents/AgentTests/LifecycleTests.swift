import Model
import Testing

@testable import Agent

@Suite struct LifecycleTests {
  @Test func anEventStartsAnOnDemandAgentAndKeepsIt() {
    var run = Run()
    #expect(run.take(.deliver) == [.startInstance])
    #expect(run.state == .starting)
    #expect(run.take(.started).steps == [.activate])
    #expect(run.state == .active)
    #expect(run.take(.completed) == [])
    #expect(run.state == .ready)
    #expect(run.take(.deliver) == [.activate])
  }

  @Test func shedAgentDrainsAndGoesIdle() {
    var run = Run()
    run.take(.deliver, .started, .deliver)
    #expect(
      run.take(.end(.pressure)) == [.clearQueue, .scheduleGrace(.seconds(30))], "it may finish its current event")
    #expect(run.take(.completed).steps == [.stopInstance(now: false)])
    #expect(run.take(.exited(.killed)).announced == ["agent:stopped"])
    #expect(run.state == .idle && run.lifecycle.lastExit == .pressure)
    #expect(run.lifecycle.accepts, "the lifecycle itself does not prevent a new start")
  }

  @Test func agentThatEndedTheDaemonIsQuarantinedUntilRestart() {
    var run = Run()
    #expect(run.take(.quarantine(AgentFailure(.stuck, "three times"))).announced == ["agent:quarantined"])
    #expect(run.state == .quarantined && run.lifecycle.lastExit == .stuck && !run.lifecycle.accepts)
    #expect(run.take(.deliver) == [] && run.take(.spawn) == [])
    #expect(run.take(.restart) == [.startInstance])
  }

  @Test func queuedEventsAreHandledNext() {
    var run = Run()
    run.take(.spawn, .started, .deliver, .deliver, .deliver)
    #expect(run.state == .active)
    #expect(run.queued == 2)
    #expect(run.take(.completed) == [.activate])
    #expect(run.take(.completed) == [.activate])
    #expect(run.take(.completed) == [])
    #expect(run.state == .ready)
  }

  @Test func oneShotAgentStopsAfterEachEvent() {
    var run = Run(.oneShot)
    run.take(.deliver, .started, .deliver)
    #expect(run.take(.completed) == [.scheduleGrace(.seconds(30)), .stopInstance(now: false)])
    #expect(run.lifecycle.accepts)
    #expect(run.take(.exited(.completed)).steps == [.cancelTimers, .releaseHardware, .done, .startInstance])
    run.take(.started, .completed)
    #expect(run.take(.exited(.completed)).announced == ["agent:stopped"])
    #expect(run.state == .idle)
    #expect(run.lifecycle.lastExit == .completed)
  }

  @Test func killedAlwaysAgentStaysStopped() {
    var run = Run(.always)
    run.take(.spawn, .started, .kill(now: false), .exited(.killed))
    #expect(run.state == .idle)
    #expect(!run.lifecycle.accepts)
    #expect(run.take(.deliver) == [])
    #expect(run.take(.spawn) == [.startInstance])
  }

  @Test func drainingFinishesTheActivationAndAcceptsNoEvents() {
    var run = Run()
    run.take(.deliver, .started, .deliver)
    #expect(run.take(.kill(now: false)) == [.clearQueue, .scheduleGrace(.seconds(30))])
    #expect(run.state == .draining)
    #expect(!run.lifecycle.accepts)
    #expect(run.take(.deliver) == [])
    #expect(run.take(.completed) == [.stopInstance(now: false)])
    let effects = run.take(.exited(.completed))
    #expect(effects.steps == [.cancelTimers, .releaseHardware, .clearQueue, .done])
    #expect(effects.announced == ["agent:stopped"])
    #expect(run.state == .idle)
    #expect(run.lifecycle.lastExit == .killed)
  }

  @Test func killNowDoesNotWait() {
    var run = Run()
    run.take(.deliver, .started)
    #expect(run.take(.kill(now: true)) == [.clearQueue, .releaseHardware, .stopInstance(now: true)])
    #expect(run.state == .stopping)
    #expect(run.take(.completed) == [])
    run.take(.exited(.crash))
    #expect(run.state == .idle)
    #expect(run.lifecycle.lastExit == .killed)
  }

  @Test func graceTimeEndsWithAStopNow() {
    var run = Run()
    run.take(.deliver, .started, .kill(now: false))
    #expect(run.take(.graceElapsed) == [.cancelTimers, .releaseHardware, .stopInstance(now: true)])
    #expect(run.take(.graceElapsed) == [])
    #expect(run.take(.exited(.killed)).steps.contains(.done))
  }

  @Test func killDuringAStartWaitsForTheDriver() {
    for atOnce in [false, true] {
      var run = Run()
      run.take(.spawn)
      #expect(!run.take(.kill(now: atOnce)).contains(.stopInstance(now: atOnce)))
      #expect(run.take(.started).contains(.stopInstance(now: atOnce)))
      #expect(run.take(.exited(.killed)).steps.last == .done)
      #expect(run.state == .idle)

      run.take(.spawn, .kill(now: atOnce))
      #expect(run.take(.startFailed(AgentFailure(.startFailed, "no"))).steps.last == .done)
      #expect(run.state == .idle)
    }
  }

  @Test func killingAnIdleAgentIsDoneImmediately() {
    var run = Run()
    #expect(run.take(.kill(now: false)) == [.done])
    run = Run(.onDemand, Policy(maxRestarts: 0))
    run.take(.spawn, .startFailed(boom))
    #expect(run.state == .quarantined)
    #expect(run.take(.kill(now: true)) == [.done])
    #expect(run.state == .quarantined)
  }

  @Test func failureReplacesTheInstanceAfterABackOff() {
    var run = Run()
    run.take(.deliver, .started)
    let effects = run.take(.failed(boom))
    #expect(effects.steps == [.releaseHardware, .scheduleGrace(.seconds(30)), .stopInstance(now: false)])
    #expect(effects.announced == ["agent:failed"])
    #expect(run.lifecycle.accepts)
    #expect(
      run.take(.exited(.error)).steps == [
        .cancelTimers, .releaseHardware, .done, .scheduleBackoff(.milliseconds(500)),
      ])
    #expect(run.state == .backoff)
    run.take(.deliver)
    #expect(run.take(.backoffElapsed) == [.startInstance])
    #expect(run.lifecycle.restarts == 1)
    #expect(run.take(.started).steps == [.activate])
    #expect(run.lifecycle.lastFailure == boom)
  }

  @Test func stuckInstanceIsStoppedImmediately() {
    var run = Run()
    run.take(.deliver, .started)
    #expect(
      run.take(.failed(AgentFailure(.stuck, "no progress"))).steps == [.releaseHardware, .stopInstance(now: true)])
    #expect(run.state == .stopping)
    run.take(.exited(.stuck))
    #expect(run.state == .backoff)
    #expect(run.lifecycle.lastExit == .stuck)
  }

  @Test func backOffDoublesUpToItsMaximumWithJitter() {
    var run = Run(.onDemand, Policy(maxRestarts: 100, backoff: .seconds(1), maxBackoff: .seconds(5)))
    var waits: [Duration] = []
    run.take(.spawn)
    for _ in 0..<70 {
      let effects = run.take(.startFailed(boom))
      for case .scheduleBackoff(let wait) in effects { waits.append(wait) }
      run.take(.backoffElapsed)
    }
    #expect(waits.prefix(5) == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5)])
    #expect(waits.count == 70)

    var jittered = Run(.onDemand, Policy(backoff: .seconds(1)))
    jittered.take(.spawn)
    #expect(jittered.take(.startFailed(boom), random: 1).contains(.scheduleBackoff(.milliseconds(750))))
  }

  @Test func tooManyRestartsInTheWindowQuarantine() {
    var run = Run(.always, Policy(maxRestarts: 2, window: .seconds(60)))
    run.take(.spawn, .startFailed(boom), .backoffElapsed, .startFailed(boom), .backoffElapsed)
    let effects = run.take(.startFailed(boom))
    #expect(effects.announced == ["agent:failed", "agent:quarantined"])
    #expect(effects.contains(.clearQueue))
    #expect(run.state == .quarantined)
    #expect(!run.lifecycle.accepts)
    #expect(run.take(.spawn) == [])
    #expect(run.take(.deliver) == [])
    #expect(run.take(.restart) == [.startInstance])
    run.take(.startFailed(boom))
    #expect(run.state == .backoff)
  }

  @Test func refusalIsCountedAndKeepsTheInstance() {
    var run = Run(.onDemand, Policy(maxRestarts: 0))
    run.take(.deliver, .started, .deliver)
    #expect(run.take(.refused(no)) == [.refuse(no), .activate])
    for _ in 0..<100 {
      run.take(.deliver)
      #expect(run.take(.refused(no)).first == .refuse(no))
    }
    run.take(.refused(no))
    #expect(run.state == .ready && run.lifecycle.restarts == 0 && run.lifecycle.lastFailure == nil)
    // A kill during the activation stops it afterwards.
    run.take(.deliver, .kill(now: false))
    #expect(run.take(.refused(no)) == [.refuse(no), .stopInstance(now: false)])
  }

  @Test func refusedOneShotAgentStopsAndStartsForTheNextEvent() {
    var run = Run(.oneShot, Policy(maxRestarts: 0))
    run.take(.deliver, .started, .deliver)
    #expect(run.take(.refused(no)).first == .refuse(no))
    #expect(run.take(.exited(.completed)).steps == [.cancelTimers, .releaseHardware, .done, .startInstance])
    run.take(.started, .refused(no), .exited(.completed))
    #expect(run.state == .idle && run.lifecycle.lastExit == .refused)
  }

  @Test func refusedStartIsRetriedWithoutLimit() {
    var run = Run(.always, Policy(maxRestarts: 2, window: .seconds(60), backoff: .seconds(1), maxBackoff: .seconds(4)))
    run.take(.spawn)
    for wait in [1, 2, 4, 4, 4, 4] {
      #expect(run.take(.startRefused(no)) == [.releaseHardware, .done, .refuse(no), .scheduleBackoff(.seconds(wait))])
      #expect(run.take(.backoffElapsed) == [.startInstance])
    }
    // Only its own failures count towards quarantine.
    run.take(.startFailed(boom), .backoffElapsed, .startFailed(boom), .backoffElapsed)
    run.take(.startRefused(no), .backoffElapsed)
    #expect(run.state == .starting)
    run.take(.startFailed(boom))
    #expect(run.state == .quarantined)
    for atOnce in [false, true] {
      run = Run()
      run.take(.spawn, .kill(now: atOnce))
      #expect(run.take(.startRefused(no)).steps.last == .done)
      #expect(run.state == .idle)
    }
  }

  /// An engine that holds containers may be away for as long as it likes.
  @Test func anEngineThatIsAwayIsWaitedForWithoutLimit() {
    let away = AgentFailure(.engineAway, "nobody listens")
    var run = Run(.always, Policy(maxRestarts: 2, window: .seconds(60), backoff: .seconds(1), maxBackoff: .seconds(4)))
    run.take(.spawn, .started)
    var effects = run.take(.exited(.engineAway, "nobody listens"))
    #expect(effects.steps == [.releaseHardware, .done, .scheduleBackoff(.seconds(1))])
    #expect(effects.announced == ["agent:failed", "agent:backoff"] && effects.records == [.failed(away)])
    for wait in [2, 4, 4, 4, 4] {
      run.take(.backoffElapsed)
      effects = run.take(.startFailed(away))
      #expect(effects.steps == [.releaseHardware, .done, .scheduleBackoff(.seconds(wait))])
      // The ledger would be full of it.
      #expect(effects.announced == ["agent:backoff"] && effects.records == [])
      #expect(run.lifecycle.lastFailure == away && run.lifecycle.lastExit == .engineAway)
    }
    // Only its own failures count towards quarantine.
    run.take(.backoffElapsed, .startFailed(boom), .backoffElapsed, .startFailed(boom), .backoffElapsed)
    run.take(.startFailed(away), .backoffElapsed)
    #expect(run.state == .starting)
    #expect(run.take(.started, .exited(.engineAway, "again")).records.count == 1)
    run.take(.backoffElapsed, .startFailed(boom))
    #expect(run.state == .quarantined)
  }

  @Test func anEngineThatIsAwayIsNotWaitedForWithoutRestarts() {
    var run = Run(.onDemand, Policy(restart: .never))
    run.take(.deliver, .startFailed(AgentFailure(.engineAway, "away")))
    #expect(run.state == .idle && run.lifecycle.lastExit == .engineAway)
  }

  @Test func restartWindowSlides() {
    var run = Run(.always, Policy(maxRestarts: 2, window: .seconds(60)))
    run.take(.spawn)
    for _ in 0..<20 {
      run.take(.startFailed(boom))
      #expect(run.state == .backoff)
      run.now = run.now + .seconds(31)
      run.take(.backoffElapsed)
    }
  }

  @Test func longLivedInstanceResetsTheBackOff() {
    var run = Run(.always, Policy(maxRestarts: 9, window: .seconds(60), backoff: .seconds(1), maxBackoff: .seconds(60)))
    run.take(.spawn, .startFailed(boom), .backoffElapsed, .startFailed(boom), .backoffElapsed, .started)
    run.now = run.now + .seconds(60)
    #expect(run.take(.exited(.crash)).contains(.scheduleBackoff(.seconds(1))))
  }

  @Test func restartNeverDoesNotRestart() {
    var run = Run(.onDemand, Policy(restart: .never))
    run.take(.deliver, .started, .deliver, .failed(boom), .exited(.error))
    #expect(run.state == .idle)
    #expect(run.queued == 0)
    #expect(run.take(.deliver) == [.startInstance])
  }

  @Test func instanceExitsByItself() {
    var run = Run(.onDemand, Policy(restart: .onFailure))
    run.take(.spawn, .started, .exited(.completed))
    #expect(run.state == .idle)

    run = Run(.always, Policy(restart: .always))
    run.take(.spawn, .started)
    #expect(run.take(.exited(.completed)).announced == ["agent:stopped", "agent:backoff"])
    #expect(run.state == .backoff)

    run = Run()
    run.take(.deliver, .started)
    #expect(run.take(.exited(.completed)).announced == ["agent:failed", "agent:backoff"])

    run = Run(.oneShot)
    run.take(.deliver, .started, .exited(.completed))
    #expect(run.state == .idle)
  }

  @Test func failedOneShotAgentRestartsOnlyForAnEvent() {
    var run = Run(.oneShot)
    run.take(.deliver, .started, .failed(boom), .exited(.error), .backoffElapsed)
    #expect(run.state == .idle)
    run.take(.deliver, .started, .failed(boom), .exited(.error), .deliver)
    #expect(run.take(.backoffElapsed) == [.startInstance])
  }

  @Test func restartStopsAndStarts() {
    var run = Run()
    run.take(.deliver, .started, .deliver)
    run.take(.restart)
    #expect(run.state == .draining)
    #expect(run.lifecycle.accepts)
    run.take(.completed)
    #expect(run.take(.exited(.killed)).steps.suffix(2) == [.done, .startInstance])
    #expect(run.queued == 1)

    run.take(.started, .failed(boom), .exited(.error))
    #expect(run.state == .backoff)
    #expect(run.take(.restart) == [.cancelTimers, .startInstance])
  }

  @Test func killOverridesARunningRestart() {
    var run = Run()
    run.take(.spawn, .started, .restart, .kill(now: false), .exited(.killed))
    #expect(run.state == .idle)
    run.take(.spawn, .started, .restart)
    #expect(run.take(.kill(now: true)) == [.clearQueue, .cancelTimers, .releaseHardware, .stopInstance(now: true)])
  }

  @Test func anAgentThatComesBackKeepsTheReasonOfItsEnd() {
    var run = Run()
    run.take(.deliver, .started, .deliver, .end(.parentEnded))
    #expect(!run.lifecycle.accepts)
    #expect(run.take(.comeBack) == [] && run.lifecycle.accepts)
    run.take(.completed)
    let effects = run.take(.exited(.killed))
    #expect(effects.steps.suffix(2) == [.done, .startInstance])
    #expect(effects.announced == ["agent:stopped"] && effects.records == [.stopped(.parentEnded)])
    #expect(run.state == .starting && run.lifecycle.lastExit == .parentEnded)
    // Nobody has forgiven it.
    run = Run(.onDemand, Policy(maxRestarts: 1))
    run.take(.spawn, .startFailed(boom), .backoffElapsed, .started, .end(.siblingFailed), .comeBack)
    run.take(.exited(.killed), .startFailed(boom))
    #expect(run.state == .quarantined)
    // It does not run, and nothing follows a shutdown.
    run = Run()
    #expect(run.take(.comeBack) == [])
    run.take(.spawn, .started, .shutdown, .comeBack, .exited(.killed))
    #expect(run.state == .idle && run.lifecycle.lastExit == .shutdown)
  }

  @Test func anAgentThatEndsForGoodKeepsTheReasonOfItsEnd() {
    for atOnce in [false, true] {
      var run = Run()
      run.take(.spawn, .started, .kill(now: atOnce))
      #expect(run.take(.end(.parentEnded)) == [])
      #expect(run.take(.exited(.killed)).records == [.stopped(.killed)])
    }
    // One that is about to start again does not.
    var run = Run()
    run.take(.spawn, .started, .restart)
    #expect(run.take(.end(.parentEnded)) == [.clearQueue])
    #expect(run.take(.exited(.killed)).records == [.stopped(.parentEnded)] && run.state == .idle)
  }

  @Test func nothingStartsAfterShutdown() {
    var run = Run()
    run.take(.deliver, .started, .shutdown, .completed)
    #expect(run.state == .draining)
    #expect(run.take(.restart) == [])
    #expect(run.take(.exited(.killed)).steps.last == .done)
    #expect(run.lifecycle.lastExit == .shutdown)
    #expect(run.take(.spawn) == [])
    #expect(run.take(.restart) == [])
    #expect(!run.lifecycle.accepts)
    #expect(run.take(.shutdown) == [])

    run = Run()
    run.take(.spawn, .startFailed(boom))
    #expect(run.take(.shutdown).steps == [.cancelTimers, .clearQueue, .done])
    #expect(run.take(.backoffElapsed) == [])
    #expect(run.state == .idle)
  }

  @Test func ledgerRecordsFailuresQuarantinesAndKills() {
    var run = Run(.onDemand, Policy(maxRestarts: 1, window: .seconds(60)))
    #expect(run.take(.spawn).records == [])
    #expect(run.take(.startFailed(boom)).records == [.failed(boom)])
    run.take(.backoffElapsed)
    let effects = run.take(.startFailed(boom))
    let quarantine = AgentFailure(.startFailed, "it was restarted 1 time(s) within 1m; last: boom")
    #expect(effects.records == [.failed(boom), .quarantined(quarantine)])
    #expect(effects.contains(.keepQuarantine(quarantine)))
    // It is the same one, found after a restart of the daemon.
    run = Run()
    #expect(run.take(.quarantine(quarantine)).records == [])
    run = Run()
    run.take(.spawn, .started, .kill(now: false))
    #expect(run.take(.exited(.killed)).records == [.stopped(.killed)])
    for reason in [ExitReason.parentEnded, .siblingFailed, .pressure] {
      run.take(.spawn, .started, .end(reason))
      #expect(run.take(.exited(.killed)).records == [.stopped(reason)])
      run.take(.spawn, .startFailed(boom))
      #expect(run.take(.end(reason)).records == [.stopped(reason)], "during the back-off")
    }
    run.take(.spawn, .started, .shutdown)
    #expect(run.take(.exited(.killed)).records == [], "a shutdown is not recorded")
  }

  @Test func unexpectedExitKeepsItsReason() {
    for events in [[], [.deliver]] as [[LifecycleEvent]] {
      var run = Run()
      run.take(.spawn, .started)
      for event in events { run.take(event) }
      run.take(.exited(.crash, "signal 11"))
      #expect(run.state == .backoff && run.lifecycle.lastFailure == AgentFailure(.crash, "signal 11"))
    }
    // The instance ends while it is starting.
    var run = Run()
    run.take(.spawn)
    #expect(run.take(.exited(.crash, "signal 11")).announced == ["agent:failed", "agent:backoff"])
  }
}

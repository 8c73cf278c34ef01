import Model
import TestKit
import Testing

@testable import Agent

/// Random sequences of events against a model of a driver: in any order, the effects are consistent.
@Suite struct LifecyclePropertyTests {
  /// The state outside the lifecycle table.
  private struct World {
    enum Instance { case none, starting, waiting, busy, ending }
    var instance = Instance.none
    var queued = 0
    var graceTimer = false
    var backoffTimer = false
    var starts = 0
    var ends = 0
    var released = true
  }

  /// Carries out effects as the orchestrator does.
  /// - Returns: the first effect that is not valid in this state; nil when all are.
  private func carryOut(_ effects: [LifecycleEffect], _ world: inout World) -> String? {
    for effect in effects {
      switch effect {
      case .startInstance:
        guard world.instance == .none else { return "a second instance" }
        world.instance = .starting
        world.starts += 1
        world.released = false
      case .activate:
        guard world.instance == .waiting else { return "activate while \(world.instance)" }
        guard world.queued > 0 else { return "activate without an event" }
        world.queued -= 1
        world.instance = .busy
      case .stopInstance:
        guard [.waiting, .busy, .ending].contains(world.instance) else { return "stop while \(world.instance)" }
        world.instance = .ending
      case .cancelStart:
        guard world.instance == .starting else { return "cancel a start while \(world.instance)" }
      case .scheduleBackoff(let delay):
        guard !world.backoffTimer, delay >= .zero else { return "back-off twice" }
        world.backoffTimer = true
      case .scheduleGrace:
        guard !world.graceTimer else { return "grace twice" }
        world.graceTimer = true
      case .cancelTimers:
        world.graceTimer = false
        world.backoffTimer = false
      case .releaseHardware: world.released = true
      case .clearQueue: world.queued = 0
      case .publish(let news):
        let type = news.event(of: "a").type
        guard type.hasPrefix("agent:"), EventPattern.isEventName(type) else { return "published \(type)" }
      case .refuse, .record, .keepQuarantine, .done: break
      }
    }
    return nil
  }

  /// The violated invariant between two events; nil when all hold.
  private func contradiction(_ lifecycle: Lifecycle, _ world: World) -> String? {
    let allowed: [World.Instance] =
      switch lifecycle.state {
      case .idle, .backoff, .quarantined: [.none]
      case .starting: [.starting]
      case .ready: [.waiting]
      case .active: [.busy]
      case .draining: [.starting, .busy, .ending]
      case .stopping: [.starting, .ending]
      }
    if !allowed.contains(world.instance) { return "\(lifecycle.state) with \(world.instance)" }
    if world.instance == .none && !world.released { return "leases outlive the instance" }
    if world.backoffTimer != (lifecycle.state == .backoff) { return "back-off timer in \(lifecycle.state)" }
    if world.graceTimer && lifecycle.state != .draining { return "grace timer in \(lifecycle.state)" }
    if lifecycle.state == .ready && world.queued > 0 { return "ready while events wait" }
    if lifecycle.state == .quarantined && world.queued > 0 { return "events wait in quarantine" }
    return nil
  }

  /// A random event that is possible now: the driver answers only requests; people and timers do anything.
  private func event(_ world: inout World, _ accepts: Bool, _ dice: inout SeededGenerator) -> LifecycleEvent {
    let failure = AgentFailure(ExitReason.allCases.randomElement(using: &dice) ?? .error, "x")
    switch Int.random(in: 0..<22, using: &dice) {
    case 0...3:
      if accepts { world.queued += 1 }
      return .deliver
    case 4: return .spawn
    case 5: return .kill(now: false)
    case 6: return .kill(now: true)
    case 7: return .restart
    case 8:
      world.graceTimer = false
      return .graceElapsed
    case 9, 10:
      guard world.backoffTimer else { return .backoffElapsed }
      world.backoffTimer = false
      return .backoffElapsed
    case 12: return .end(.pressure)
    case 13: return .quarantine(failure)
    case 14: return .comeBack
    case 11 where Int.random(in: 0..<20, using: &dice) == 0: return .shutdown
    default: break
    }
    switch world.instance {
    case .none: return .spawn
    case .starting where Bool.random(using: &dice):
      world.instance = .waiting
      return .started
    case .starting:
      world.instance = .none
      return Bool.random(using: &dice) ? .startRefused(no) : .startFailed(failure)
    case .busy where Int.random(in: 0..<4, using: &dice) > 0:
      world.instance = .waiting
      let ends: [LifecycleEvent] = [.completed, .refused(no), .failed(failure)]
      return ends.randomElement(using: &dice) ?? .completed
    case .waiting, .busy, .ending:
      world.instance = .none
      return .exited(failure.reason)
    }
  }

  @Test(arguments: Manifest.Lifecycle.allCases, Policy.Restart.allCases)
  func effectsAreConsistent(kind: Manifest.Lifecycle, restart: Policy.Restart) {
    for seed in 0..<100 {
      var dice = SeededGenerator(UInt64(seed))
      var world = World()
      var lifecycle = Lifecycle(
        kind, policy: Policy(restart: restart, maxRestarts: Int.random(in: 0...4, using: &dice)))
      var now = Instant(nanoseconds: 0)
      var trail: [String] = []
      for _ in 0..<300 {
        now = now + .milliseconds(Int.random(in: 0..<20_000, using: &dice))
        let event = event(&world, lifecycle.accepts, &dice)
        let effects = lifecycle.apply(
          event, at: now, queued: world.queued, random: Double.random(in: 0...1, using: &dice))
        trail.append("\(event) → \(lifecycle.state) \(effects.steps)")
        if let wrong = carryOut(effects, &world) ?? contradiction(lifecycle, world) {
          Issue.record("seed \(seed): \(wrong)\n\(trail.suffix(8).joined(separator: "\n"))")
          return
        }
      }
    }
  }

  /// After a shutdown and the driver's answers, no instance is left, and every `done` has been sent.
  @Test(arguments: Manifest.Lifecycle.allCases)
  func everyLifeEnds(kind: Manifest.Lifecycle) {
    for seed in 0..<300 {
      var dice = SeededGenerator(UInt64(seed) &+ 7777)
      var world = World()
      var lifecycle = Lifecycle(kind, policy: Policy())
      var now = Instant(nanoseconds: 0)
      var isOver = false
      func apply(_ event: LifecycleEvent) {
        let effects = lifecycle.apply(event, at: now, queued: world.queued, random: 0.5)
        #expect(carryOut(effects, &world) == nil)
        if effects.contains(.done) { isOver = true }
      }
      for _ in 0..<Int.random(in: 0..<40, using: &dice) {
        now = now + .seconds(1)
        apply(event(&world, lifecycle.accepts, &dice))
      }
      if lifecycle.state == .idle { isOver = true }
      apply(.shutdown)
      for _ in 0..<4 where world.instance != .none {
        switch world.instance {
        case .starting:
          world.instance = .waiting
          apply(.started)
        case .busy:
          world.instance = .waiting
          apply(.completed)
        default:
          world.instance = .none
          apply(.exited(.completed))
        }
      }
      #expect(isOver)
      #expect(lifecycle.state == .idle || lifecycle.state == .quarantined, "seed \(seed)")
      #expect(world.instance == .none && !world.graceTimer && !world.backoffTimer)
    }
  }
}

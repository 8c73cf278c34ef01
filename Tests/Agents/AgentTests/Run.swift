import Model

@testable import Agent

/// A lifecycle with the orchestrator's part of the state: queue length, clock, instance.
struct Run {
  var lifecycle: Lifecycle
  var now = Instant(nanoseconds: 1_000_000_000)
  var queued = 0

  init(_ kind: Manifest.Lifecycle = .onDemand, _ policy: Policy = Policy()) {
    lifecycle = Lifecycle(kind, policy: policy)
  }

  /// Applies events in order.
  /// - Returns: the effects of the last one.
  @discardableResult
  mutating func take(_ events: LifecycleEvent..., random: Double = 0) -> [LifecycleEffect] {
    var effects: [LifecycleEffect] = []
    for event in events {
      if case .deliver = event, lifecycle.accepts { queued += 1 }
      effects = lifecycle.apply(event, at: now, queued: queued, random: random)
      for effect in effects {
        if effect == .activate { queued -= 1 }
        if effect == .clearQueue { queued = 0 }
      }
    }
    return effects
  }

  var state: LifecycleState { lifecycle.state }
}

extension [LifecycleEffect] {
  /// The effects without published events, ledger lines and stored quarantines.
  var steps: [LifecycleEffect] {
    filter {
      switch $0 {
      case .publish, .record, .keepQuarantine: false
      default: true
      }
    }
  }

  /// The lines of the ledger.
  var records: [LifecycleRecord] {
    compactMap { if case .record(let line) = $0 { line } else { nil } }
  }

  /// The types of published events.
  var announced: [String] {
    compactMap {
      if case .publish(let news) = $0 { news.event(of: "a").type } else { nil }
    }
  }
}

let boom = AgentFailure(.error, "boom")
let no = AgentError(.busy, "'fan' is held by client/ada")

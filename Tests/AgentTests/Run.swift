import Model

@testable import Agent

/// A lifecycle with the things around it that the orchestrator would have: a queue's length, a clock, an instance.
struct Run {
  var lifecycle: Lifecycle
  var now = Instant(nanoseconds: 1_000_000_000)
  var queued = 0

  init(_ kind: Manifest.Lifecycle = .onDemand, _ policy: Policy = Policy()) {
    lifecycle = Lifecycle(kind, policy: policy)
  }

  /// Applies events one after the other.
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
  /// Without announcements: the bare steps.
  var steps: [LifecycleEffect] {
    filter {
      if case .publish = $0 { false } else { true }
    }
  }

  /// The types of what is announced.
  var announced: [String] {
    compactMap {
      if case .publish(let type, _) = $0 { type } else { nil }
    }
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same sequence for the same seed, everywhere.
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}

let boom = AgentFailure(.error, "boom")

import Model

/// The outputs that a state rule keeps while it lasts.
package struct OutputClaim: Sendable, Hashable {
  /// The rule.
  package var rule: RuleID
  /// Its place in the files: of two claims on one output, the later one has it.
  package var rank: Int
  /// The outputs and their levels, 0 to 1. All or none are kept; they are taken in this order and given back in reverse.
  package var outputs: [(device: DeviceID, level: Double)]
  /// The event that the rule began with.
  package var cause: Event?

  /// A claim on `outputs`.
  package init(rule: RuleID, rank: Int, outputs: [(device: DeviceID, level: Double)], cause: Event?) {
    self.rule = rule
    self.rank = rank
    self.outputs = outputs
    self.cause = cause
  }

  package static func == (left: OutputClaim, right: OutputClaim) -> Bool {
    left.rule == right.rule && left.rank == right.rank && left.cause?.id == right.cause?.id
      && left.outputs.elementsEqual(right.outputs) { $0.device == $1.device && $0.level == $1.level }
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(rule) }

  /// What has become of a claim.
  package enum State: Sendable, Hashable {
    /// Its outputs are at its levels.
    case held
    /// It waits, for this reason: one sentence without a full stop.
    case waiting(String)
    /// Another has one of its outputs: `rules/night`, `client/ada`.
    case overruled(by: String)
    /// A person or an event rule has made an output safe; the claim is back at this time at the latest, or, without one,
    /// when its rule begins again.
    case suspended(by: String, until: Instant?)
    /// An output has been away from its safe state for `max_on`, and rests until a time, if that is known.
    case resting(String, until: Instant?)

    /// For people: `held`, `waits: 'pump' has to rest for 2m`.
    package func text(at now: Instant) -> String {
      switch self {
      case .held: "held"
      case .waiting(let why): "waits: \(why)"
      case .overruled(let holder): "overruled by \(holder)"
      case .suspended(let holder, let end?): "suspended by \(holder), \(max(end - now, .zero).spoken) at most"
      case .suspended(let holder, nil): "suspended by \(holder), until the rule begins again"
      case .resting(let why, let end): "rests: \(why)\(end.map { ", \(max($0 - now, .zero).spoken) left" } ?? "")"
      }
    }
  }
}

/// What happens to a state rule, for the events about it.
package enum StateChange: Sendable, Hashable {
  /// It begins to last.
  case began
  /// It lasts again after a restart of the daemon.
  case resumed
  /// It has ended, for this reason: a phrase such as `its condition is false`.
  case ended(String)
}

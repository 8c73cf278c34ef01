import Agent
import Model

/// The steps of a budget as a pure state machine: (step, measurement, time) → (step, effects). No clock, no I/O.
///
/// Steps have hysteresis: up at once, down only when the measurement has been well below the threshold for
/// `Terms.hold`. So a measurement near a threshold does not go up and down with every activation.
package struct Ladder: Sendable, Hashable {
  /// The thresholds of the steps, as fractions of the limit.
  package struct Terms: Sendable, Hashable {
    /// Warnings begin here.
    package var warning = 0.8
    /// Warnings end below this.
    package var calm = 0.6
    /// Whether further use is delayed or refused at the limit.
    package var throttles: Bool
    /// The fraction, of used and refused amounts together, above which the agent is stopped; nil for never.
    package var stop: Double?
    /// How long the measurement must have been low before a step down.
    package var hold: Duration

    /// Terms with the default thresholds for warnings.
    package init(throttles: Bool, stop: Double?, hold: Duration = .zero) {
      self.throttles = throttles
      self.stop = stop
      self.hold = hold
    }

    /// The terms of a resource.
    ///
    /// Use that can be refused or delayed is; the agent is stopped only when it asks for twice the limit. Memory and
    /// activation time cannot be refused, so the agent is stopped at the limit. Excess log, state and disk writes are
    /// refused without stopping the agent. So are tokens and money, which the gateway to models counts.
    package static func of(_ resource: Resource) -> Terms {
      switch resource {
      case .cpu, .events, .hardware: Terms(throttles: true, stop: 2)
      case .memory, .activation: Terms(throttles: false, stop: 1, hold: .seconds(10))
      case .log, .storage, .tokens, .money, .disk: Terms(throttles: true, stop: nil)
      }
    }
  }

  /// A measurement of a budget, in the resource's unit.
  package struct Measurement: Sendable, Hashable {
    /// The amount used.
    package var used: Int64
    /// The amount refused within the same window.
    package var refused: Int64
    /// The amount allowed.
    package var limit: Int64

    /// A measurement; nothing refused unless given.
    package init(used: Int64, refused: Int64 = 0, limit: Int64) {
      self.used = used
      self.refused = refused
      self.limit = limit
    }
  }

  /// An effect of a step, as a value for the owner to carry out.
  package enum Effect: Sendable, Hashable {
    /// Report that most of the budget is used.
    case warn
    /// Report that the budget is used up; further use is delayed or refused.
    case throttle
    /// Report that the budget is far exceeded, and stop the agent.
    case stop
    /// Report that the budget is down to this step.
    case recover(BudgetStep)
  }

  /// The present step.
  package private(set) var step = BudgetStep.normal
  /// When a measurement last confirmed the present step.
  private var confirmed = Instant(nanoseconds: 0)

  /// A ladder at the step `normal`.
  package init() {}

  /// Processes a measurement after an amount was added.
  /// - Parameter now: the time; one before an earlier call's counts as that.
  /// - Returns: the effect of the highest step reached; `stop` for every call beyond the last threshold; nil for none.
  package mutating func use(_ measurement: Measurement, _ terms: Terms, at now: Instant) -> Effect? {
    let reached = Self.reached(measurement, terms)
    if reached == .exceeded {
      step = .exceeded
      confirmed = max(confirmed, now)
      return .stop
    }
    guard reached > step else { return look(measurement, terms, at: now) }
    step = reached
    confirmed = max(confirmed, now)
    return reached == .throttled ? .throttle : .warn
  }

  /// Processes a measurement after time has passed; it never leads up.
  /// - Parameter now: as for `use`.
  /// - Returns: `recover`, or nil for no step.
  package mutating func look(_ measurement: Measurement, _ terms: Terms, at now: Instant) -> Effect? {
    let kept = Self.kept(measurement, terms, at: step)
    if kept == step {
      confirmed = max(confirmed, now)
      return nil
    }
    guard now >= confirmed + terms.hold else { return nil }
    step = kept
    return .recover(kept)
  }

  /// When `look` leads down if the measurement stays the same; nil when it would not.
  package func due(_ measurement: Measurement, _ terms: Terms) -> Instant? {
    Self.kept(measurement, terms, at: step) == step ? nil : confirmed + terms.hold
  }

  /// The most that may be used for the next step down; nil at the bottom.
  package func threshold(_ terms: Terms, limit: Int64) -> Int64? {
    switch step {
    case .normal: nil
    case .warned: Int64((Double(limit) * terms.calm).rounded(.up)) - 1
    case .throttled, .exceeded: Int64((Double(limit) * terms.warning).rounded(.up)) - 1
    }
  }

  /// Notes that the isolation has stopped the agent for this budget.
  /// - Returns: `stop`; nil when that step was already reported.
  package mutating func exceed(at now: Instant) -> Effect? {
    guard step < .exceeded else { return nil }
    step = .exceeded
    confirmed = max(confirmed, now)
    return .stop
  }

  /// Returns to the step `normal`, for a change of the limit.
  package mutating func reset() { self = Ladder() }

  /// The step that a measurement leads up to.
  private static func reached(_ measurement: Measurement, _ terms: Terms) -> BudgetStep {
    // A limit of zero is not reached without any use.
    if measurement.used <= 0, measurement.refused <= 0 { return .normal }
    let (used, refused, limit) = (
      Double(measurement.used), Double(measurement.refused), Double(max(0, measurement.limit))
    )
    if let stop = terms.stop, used + refused > limit * stop { return .exceeded }
    if terms.throttles, refused > 0 || used >= limit { return .throttled }
    return used >= limit * terms.warning ? .warned : .normal
  }

  /// The step that remains of `step` with a measurement; never a higher one.
  private static func kept(_ measurement: Measurement, _ terms: Terms, at step: BudgetStep) -> BudgetStep {
    let (used, limit) = (Double(measurement.used), Double(max(0, measurement.limit)))
    let calm: BudgetStep = measurement.used <= 0 || used < limit * terms.calm ? .normal : .warned
    switch step {
    case .normal: return .normal
    case .warned: return calm
    case .throttled, .exceeded:
      let reached = reached(measurement, terms)
      if reached == .exceeded { return step }
      if measurement.refused <= 0, reached == .normal { return calm }
      return terms.throttles ? .throttled : .warned
    }
  }
}

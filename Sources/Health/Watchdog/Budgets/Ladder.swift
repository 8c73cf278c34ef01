import Agent
import Model

/// The steps of one budget as a table: (step, measurement, time) → (step, effects). No clock, no I/O.
///
/// Up it goes as far as the measurement says, at once. Down it goes where the measurement is well below what led up,
/// and has been for `Terms.hold`, so that a measurement on an edge does not go up and down with every activation.
public struct Ladder: Sendable, Hashable {
  /// What the steps are at, as shares of the limit.
  public struct Terms: Sendable, Hashable {
    /// From here on it is warned of.
    public var warning = 0.8
    /// Below this a warning is over.
    public var calm = 0.6
    /// Whether what would use more waits, or is refused, from the limit on.
    public var throttles: Bool
    /// Above this share, of what was used and what was refused together, the agent is stopped; nil never stops it.
    public var stop: Double?
    /// How long the measurement must have been lower before a step down.
    public var hold: Duration

    /// Puts terms together.
    public init(throttles: Bool, stop: Double?, hold: Duration = .zero) {
      self.throttles = throttles
      self.stop = stop
      self.hold = hold
    }

    /// The terms of a budget.
    ///
    /// What can be refused or put off is, and only an agent that asks for twice as much is stopped. What cannot, memory
    /// and the time of one activation, stops it at the limit. Too much log or state is left out, and harms nobody.
    public static func of(_ resource: Resource) -> Terms {
      switch resource {
      case .cpu, .events, .hardware, .tokens: Terms(throttles: true, stop: 2)
      case .memory, .activation: Terms(throttles: false, stop: 1, hold: .seconds(10))
      case .log, .storage, .disk: Terms(throttles: true, stop: nil)
      }
    }
  }

  /// What a budget's meter says.
  public struct Measurement: Sendable, Hashable {
    /// How much is used.
    public var used: Int64
    /// How much was asked for and not given, within the same window.
    public var refused: Int64
    /// How much may be used.
    public var limit: Int64

    /// Puts a measurement together.
    public init(used: Int64, refused: Int64 = 0, limit: Int64) {
      self.used = used
      self.refused = refused
      self.limit = limit
    }
  }

  /// What follows. Values only: whoever keeps the ladder carries them out.
  public enum Effect: Sendable, Hashable {
    /// Most of it is used: say so.
    case warn
    /// Used up: say so; what would use more waits or is refused.
    case throttle
    /// Used far beyond it: say so, and stop the agent.
    case stop
    /// Down again to this step: say so.
    case recover(BudgetStep)
  }

  /// Where it is.
  public private(set) var step = BudgetStep.normal
  /// When the measurement last spoke for the step that it is at.
  private var confirmed = Instant(nanoseconds: 0)

  /// At the bottom.
  public init() {}

  /// Takes a measurement that something was just added to.
  /// - Parameter now: an instant before the one of an earlier call counts as that.
  /// - Returns: what follows; at most one effect: going up tells of the highest step alone. Whoever goes on above the
  ///   last step is to be stopped, each time.
  public mutating func use(_ measurement: Measurement, _ terms: Terms, at now: Instant) -> Effect? {
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

  /// Takes a measurement that only time has changed: it leads down or nowhere.
  /// - Parameter now: as for `use`.
  /// - Returns: what follows.
  public mutating func look(_ measurement: Measurement, _ terms: Terms, at now: Instant) -> Effect? {
    let kept = Self.kept(measurement, terms, at: step)
    if kept == step {
      confirmed = max(confirmed, now)
      return nil
    }
    guard now >= confirmed + terms.hold else { return nil }
    step = kept
    return .recover(kept)
  }

  /// When a look would lead down if the measurement stays as it is; nil where it would not.
  public func due(_ measurement: Measurement, _ terms: Terms) -> Instant? {
    Self.kept(measurement, terms, at: step) == step ? nil : confirmed + terms.hold
  }

  /// The most that may be used for the next step down; nil at the bottom.
  public func threshold(_ terms: Terms, limit: Int64) -> Int64? {
    switch step {
    case .normal: nil
    case .warned: Int64((Double(limit) * terms.calm).rounded(.up)) - 1
    case .throttled, .exceeded: Int64((Double(limit) * terms.warning).rounded(.up)) - 1
    }
  }

  /// Whoever uses it was stopped for it by somebody else, such as the engine that runs it.
  /// - Returns: nil when that is told already.
  public mutating func exceed(at now: Instant) -> Effect? {
    guard step < .exceeded else { return nil }
    step = .exceeded
    confirmed = max(confirmed, now)
    return .stop
  }

  /// Starts at the bottom, as when the limit has changed.
  public mutating func reset() { self = Ladder() }

  /// The step that the measurement leads up to.
  private static func reached(_ measurement: Measurement, _ terms: Terms) -> BudgetStep {
    // A budget of nothing is not used up by nothing.
    if measurement.used <= 0, measurement.refused <= 0 { return .normal }
    let (used, refused, limit) = (
      Double(measurement.used), Double(measurement.refused), Double(max(0, measurement.limit))
    )
    if let stop = terms.stop, used + refused > limit * stop { return .exceeded }
    if terms.throttles, refused > 0 || used >= limit { return .throttled }
    return used >= limit * terms.warning ? .warned : .normal
  }

  /// The step that a measurement leaves a ladder at that is at `step`; never a higher one.
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

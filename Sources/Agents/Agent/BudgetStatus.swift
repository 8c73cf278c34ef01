import Model

/// A resource that a budget limits.
package enum Resource: String, Sendable, Hashable, CaseIterable {
  /// CPU time, in nanoseconds.
  case cpu
  /// Memory at a time, in bytes.
  case memory
  /// Duration of one activation, in nanoseconds.
  case activation
  /// Emitted events.
  case events
  /// Hardware operations: readings, commands, pictures.
  case hardware
  /// Bytes of log.
  case log
  /// Bytes of durable state.
  case storage
  /// Model tokens.
  case tokens
  /// Money for model tokens, in millionths of the settings' currency.
  case money
  /// Bytes that the daemon writes to disk. Only the board has this budget.
  case disk

  /// The unit of amounts and limits: `ns`, `bytes`, `count`, `millionths`.
  package var unit: String {
    switch self {
    case .cpu, .activation: "ns"
    case .memory, .log, .storage, .disk: "bytes"
    case .events, .hardware, .tokens: "count"
    case .money: "millionths"
    }
  }

  /// The exit reason when this resource is exceeded; nil for resources whose excess is dropped instead of stopping the
  /// agent.
  package var exitReason: ExitReason? {
    switch self {
    case .cpu: .cpu
    case .memory: .memory
    case .activation: .activation
    case .events: .events
    case .hardware: .hardware
    case .log, .storage, .tokens, .money, .disk: nil
    }
  }
}

/// The step of the escalation ladder that a budget has reached.
package enum BudgetStep: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Below the warning threshold.
  case normal
  /// Above the warning threshold.
  case warned
  /// Used up: further use is delayed or refused.
  case throttled
  /// Overrun so far that the agent was stopped.
  case exceeded

  private var height: Int {
    switch self {
    case .normal: 0
    case .warned: 1
    case .throttled: 2
    case .exceeded: 3
    }
  }

  package static func < (left: BudgetStep, right: BudgetStep) -> Bool { left.height < right.height }
}

/// How strictly a budget is enforced against an agent that ignores it.
package enum Enforcement: Sendable, Hashable {
  /// The agent cannot exceed it.
  case enforced
  /// Metered, and enforced only after the excess, for this reason.
  case afterwards(String)
  /// Metered but not enforced, for this reason.
  case notEnforced(String)
  /// Not metered, for this reason.
  case notMetered(String)

  /// `enforced`, `afterwards`, `not-enforced`, `not-metered`.
  package var name: String {
    switch self {
    case .enforced: "enforced"
    case .afterwards: "afterwards"
    case .notEnforced: "not-enforced"
    case .notMetered: "not-metered"
    }
  }

  /// Why the budget is not `enforced`; nil when it is.
  package var reason: String? {
    switch self {
    case .enforced: nil
    case .afterwards(let why), .notEnforced(let why), .notMetered(let why): why
    }
  }
}

extension Enforcement {
  /// The same enforcement with `name` in front of the reason.
  package func about(_ name: String) -> Enforcement {
    switch self {
    case .enforced: self
    case .afterwards(let why): .afterwards("\(name): \(why)")
    case .notEnforced(let why): .notEnforced("\(name): \(why)")
    case .notMetered(let why): .notMetered("\(name): \(why)")
    }
  }

  /// Orders enforcements from strict (0, enforced) to loose (3, not metered).
  package var looseness: Int {
    switch self {
    case .enforced: 0
    case .afterwards: 1
    case .notEnforced: 2
    case .notMetered: 3
    }
  }
}

extension BudgetStatus {
  /// Whether there is a limit that is not enforced.
  package var isLoose: Bool {
    switch enforcement {
    case .notEnforced, .notMetered: limit != nil
    case .enforced, .afterwards: false
    }
  }

  /// The JSON object of the control protocol: section 4.13 of `docs/control.md`.
  package var fields: Fields {
    var fields: Fields = [
      "budget": .string(resource.rawValue), "used": .int(used), "limit": limit.map { .int($0) } ?? .null,
      "unit": .string(resource.unit), "window_ms": window.map { .int($0.nanoseconds / 1_000_000) } ?? .null,
      "refused": .int(refused), "step": .string(step.rawValue), "enforcement": .string(enforcement.name),
      "why": enforcement.reason.map(Value.string) ?? .null,
    ]
    if let whole {
      fields["meter"] = .string(whole.meter.rawValue)
      fields["agents"] = .int(whole.agents)
      fields["kernel_limit"] = whole.kernelLimit.map { .int($0) } ?? .null
    }
    return fields
  }

  /// The fields of events about the budget.
  package var use: BudgetEvents.Use {
    BudgetEvents.Use(
      budget: resource.rawValue, used: used, limit: limit, unit: resource.unit, window: window, refused: refused,
      meter: whole?.meter.rawValue)
  }
}

/// The state of one budget: use, limit, ladder step.
package struct BudgetStatus: Sendable, Hashable {
  /// The limited resource.
  package var resource: Resource
  /// The amount used, in `resource.unit`: within the window, or currently where there is no window.
  package var used: Int64
  /// The limit in `resource.unit`; nil for no limit.
  package var limit: Int64?
  /// The period that `used` and `limit` refer to; nil for resources that are not counted over time.
  package var window: Duration?
  /// The step of the escalation ladder.
  package var step: BudgetStep
  /// The amount that was requested within the window and refused, in `resource.unit`.
  package var refused: Int64
  /// How strictly the budget is enforced.
  package var enforcement: Enforcement
  /// The measurement of the whole daemon; nil where `used` is the sum of what agents were charged.
  package var whole: BoardMeasurement?

  /// - Parameters:
  ///   - used: in `resource.unit`.
  ///   - limit: in `resource.unit`; nil for no limit.
  ///   - window: nil for resources that are not counted over time.
  ///   - step: the step of the escalation ladder.
  ///   - refused: in `resource.unit`.
  ///   - enforcement: how strictly the budget is enforced.
  package init(
    _ resource: Resource, used: Int64, limit: Int64?, window: Duration?, step: BudgetStep = .normal,
    refused: Int64 = 0, enforcement: Enforcement = .enforced
  ) {
    self.resource = resource
    self.used = used
    self.limit = limit
    self.window = window
    self.step = step
    self.refused = refused
    self.enforcement = enforcement
  }
}

import Model

/// What a budget limits.
public enum Resource: String, Sendable, Hashable, CaseIterable {
  /// Processor time, in nanoseconds.
  case cpu
  /// The most memory at a time, in bytes.
  case memory
  /// How long one activation took, in nanoseconds.
  case activation
  /// Events it emitted.
  case events
  /// Hardware operations: readings, commands, pictures.
  case hardware
  /// Bytes of log.
  case log
  /// Bytes of durable state.
  case storage
  /// Tokens of a model.
  case tokens
  /// Bytes that the daemon writes to the disk; the board's only.
  case disk

  /// What one of it is: `ns`, `bytes`, `count`.
  public var unit: String {
    switch self {
    case .cpu, .activation: "ns"
    case .memory, .log, .storage, .disk: "bytes"
    case .events, .hardware, .tokens: "count"
    }
  }

  /// The exit reason when this resource is exceeded; nil for resources whose excess is dropped instead of stopping the
  /// agent.
  public var exitReason: ExitReason? {
    switch self {
    case .cpu: .cpu
    case .memory: .memory
    case .activation: .activation
    case .events: .events
    case .hardware: .hardware
    case .tokens: .tokens
    case .log, .storage, .disk: nil
    }
  }
}

/// How far up the ladder a budget is.
public enum BudgetStep: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Well within it.
  case normal
  /// Most of it is used.
  case warned
  /// Used up: what would use more of it waits or is refused.
  case throttled
  /// Used up so far that the agent was stopped.
  case exceeded

  private var height: Int {
    switch self {
    case .normal: 0
    case .warned: 1
    case .throttled: 2
    case .exceeded: 3
    }
  }

  public static func < (left: BudgetStep, right: BudgetStep) -> Bool { left.height < right.height }
}

/// How far a budget is held against an agent that does not hold itself to it.
public enum Enforcement: Sendable, Hashable {
  /// Nothing gets past it.
  case enforced
  /// Measured, and acted upon afterwards; why not at once.
  case afterwards(String)
  /// Not held at all; why.
  case notEnforced(String)
  /// Nothing measures it; why.
  case notMetered(String)

  /// `enforced`, `afterwards`, `not-enforced`, `not-metered`.
  public var name: String {
    switch self {
    case .enforced: "enforced"
    case .afterwards: "afterwards"
    case .notEnforced: "not-enforced"
    case .notMetered: "not-metered"
    }
  }

  /// Why it is not simply enforced; nil when it is.
  public var reason: String? {
    switch self {
    case .enforced: nil
    case .afterwards(let why), .notEnforced(let why), .notMetered(let why): why
    }
  }
}

extension Enforcement {
  /// The same, with whose it is before the reason.
  public func about(_ name: String) -> Enforcement {
    switch self {
    case .enforced: self
    case .afterwards(let why): .afterwards("\(name): \(why)")
    case .notEnforced(let why): .notEnforced("\(name): \(why)")
    case .notMetered(let why): .notMetered("\(name): \(why)")
    }
  }

  /// Grows with how little a budget is held.
  public var looseness: Int {
    switch self {
    case .enforced: 0
    case .afterwards: 1
    case .notEnforced: 2
    case .notMetered: 3
    }
  }
}

extension BudgetStatus {
  /// Whether it has a limit that nothing holds the agent to.
  public var isLoose: Bool {
    switch enforcement {
    case .notEnforced, .notMetered: limit != nil
    case .enforced, .afterwards: false
    }
  }

  /// As it travels: 4.13 of `docs/control.md`.
  public var fields: Fields {
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
}

/// One budget as people see it.
public struct BudgetStatus: Sendable, Hashable {
  /// Of what.
  public var resource: Resource
  /// How much is used, in `resource.unit`: within the window, or at present where there is none.
  public var used: Int64
  /// How much may be; nil is no limit.
  public var limit: Int64?
  /// The stretch of time that `used` and `limit` count in; nil for what is not counted over time.
  public var window: Duration?
  /// How far up the ladder it is.
  public var step: BudgetStep
  /// How much was asked for within the window and not given.
  public var refused: Int64
  /// How far it is held.
  public var enforcement: Enforcement
  /// How the daemon's use as a whole was measured; nil for what adds up what agents were charged.
  public var whole: BoardMeasurement?

  /// A status; what is left out has not happened.
  public init(
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

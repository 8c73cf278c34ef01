import Model

/// The properties of an isolation: limits it enforces, resources it meters, whether its agents may wait. Available
/// without a driver, so that files can be checked where no daemon runs.
package struct Isolation: Sendable {
  /// The `runtime.driver` that selects it.
  package var kind: Manifest.Driver
  /// The meaning of `runtime.entry`, for messages: `the module's file`.
  package var entry: String
  /// Whether the entry is a file that `openstarry agent build` produces and that is sent along with the manifest.
  package var buildsEntry: Bool
  /// Whether agents run on the daemon's only thread, and so get at most 100 % of one core together.
  package var runsOnLoop: Bool
  /// The error message for an agent that asks for something it would have to wait for, such as a model's answer; nil
  /// where agents may wait.
  package var cannotWait: String?
  /// Why agents cannot run on a simulated board, as a predicate that follows `agent 'climate' `; nil where they can.
  package var cannotBeTried: String?
  /// Keys of `capabilities.permissions` that have no effect for its agents.
  package var ineffective: [String]
  /// How strictly it enforces the CPU budget.
  package var cpu: Enforcement
  /// How strictly it enforces the memory budget.
  package var memory: Enforcement
  /// How strictly it limits the duration of an activation.
  package var activation: Enforcement
  /// Checks whether a manifest's agent could run here, as far as this is known without a daemon.
  package var check: @Sendable (Manifest) throws(AgentFailure) -> Void

  /// The defaults describe an isolation that enforces every budget, on a thread or in a process of its own.
  package init(
    _ kind: Manifest.Driver, entry: String, buildsEntry: Bool = false, runsOnLoop: Bool = false,
    cannotWait: String? = nil, cannotBeTried: String? = nil, ineffective: [String] = [],
    cpu: Enforcement = .enforced, memory: Enforcement = .enforced, activation: Enforcement = .enforced,
    check: @escaping @Sendable (Manifest) throws(AgentFailure) -> Void = { _ in }
  ) {
    self.kind = kind
    self.entry = entry
    self.buildsEntry = buildsEntry
    self.runsOnLoop = runsOnLoop
    self.cannotWait = cannotWait
    self.cannotBeTried = cannotBeTried
    self.ineffective = ineffective
    self.cpu = cpu
    self.memory = memory
    self.activation = activation
    self.check = check
  }

  /// How strictly a budget is enforced. `docs/budgets.md` has the table.
  package func enforcement(of resource: Resource) -> Enforcement {
    switch resource {
    case .cpu: cpu
    case .memory: memory
    case .activation: activation
    // The host counts these, in every isolation.
    case .tokens, .money, .events, .hardware, .log, .storage, .disk: .enforced
    }
  }
}

extension Manifest.Driver {
  /// The error message for an isolation that this release does not have.
  package var isMissing: String { "this daemon has no '\(rawValue)' driver" }
}

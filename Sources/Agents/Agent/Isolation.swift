import Model

/// What an isolation says of itself: what it holds agents to, what it measures, what its agents may wait for. Known
/// without a driver, so that files can be checked where no daemon runs.
public struct Isolation: Sendable {
  /// Which `runtime.driver` it is for.
  public var kind: Manifest.Driver
  /// What `runtime.entry` names, for messages: `the module's file`.
  public var entry: String
  /// Whether the entry is a file that `openstarry agent build` makes, and that is handed to the daemon with the manifest.
  public var buildsEntry: Bool
  /// Whether agents run on the daemon's one thread, which has 100 % of a core at most.
  public var runsOnLoop: Bool
  /// Why agents may not wait for an answer, such as a model's, for whoever asks for one; nil where they may.
  public var cannotWait: String?
  /// Why agents cannot be tried on a simulated board, to follow `agent 'climate' `; nil where they can.
  public var cannotBeTried: String?
  /// How far it holds agents to their processor time.
  public var cpu: Enforcement
  /// How far it holds them to their memory.
  public var memory: Enforcement
  /// How far it holds an activation to its length.
  public var activation: Enforcement
  /// Looks whether a manifest's agent could run here, as far as that can be told without a daemon.
  public var check: @Sendable (Manifest) throws(AgentFailure) -> Void

  /// An isolation that enforces everything, on a thread or in a process of its own.
  public init(
    _ kind: Manifest.Driver, entry: String, buildsEntry: Bool = false, runsOnLoop: Bool = false,
    cannotWait: String? = nil, cannotBeTried: String? = nil, cpu: Enforcement = .enforced,
    memory: Enforcement = .enforced, activation: Enforcement = .enforced,
    check: @escaping @Sendable (Manifest) throws(AgentFailure) -> Void = { _ in }
  ) {
    self.kind = kind
    self.entry = entry
    self.buildsEntry = buildsEntry
    self.runsOnLoop = runsOnLoop
    self.cannotWait = cannotWait
    self.cannotBeTried = cannotBeTried
    self.cpu = cpu
    self.memory = memory
    self.activation = activation
    self.check = check
  }

  /// How far a budget is held against an agent. `docs/budgets.md` has it as a table.
  public func enforcement(of resource: Resource) -> Enforcement {
    switch resource {
    case .cpu: cpu
    case .memory: memory
    case .activation: activation
    case .tokens: .notMetered("no model can be asked here")
    // The host counts these, in every isolation.
    case .events, .hardware, .log, .storage, .disk: .enforced
    }
  }
}

extension Manifest.Driver {
  /// What is said of an agent whose isolation this release does not have.
  public var isMissing: String { "this daemon has no '\(rawValue)' driver" }
}

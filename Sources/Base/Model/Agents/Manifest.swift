import OpenStarryAgent

/// A checked `agent.json`: an agent's identity, runtime, permissions and budget.
package struct Manifest: Sendable {
  /// `identity.id`.
  package var id: AgentID
  /// `identity.name`, for people.
  package var name: String
  /// `identity.version`.
  package var version: String
  /// `identity.description`.
  package var description: String
  /// `runtime`: isolation, entry and lifecycle.
  package var runtime: Runtime
  /// `capabilities.permissions`. Everything else is denied.
  package var permissions: Permissions
  /// `capabilities.plugins`, each `name@version`; mounted read-only at `$OPENSTARRY_HOME/plugins/<name>`.
  package var plugins: [String]
  /// `policy`: restarts, grace time and priority.
  package var policy: Policy
  /// `subscribe`: events that wake the agent without a rule.
  package var subscribe: [EventPattern]
  /// `shadow`: whether it decides and is recorded, and moves nothing.
  package var shadow = false
  /// `report`: the names and types of the fields of its report; nil if it does not say.
  package var report: [String: String]?
  /// The manifest as it was read, including unknown keys; empty once the agent is registered and stored.
  package var document: Value
  /// The path of the file; relative paths in the manifest start at its folder.
  package var file: String
  /// `parent`: the agent whose budget it shares and whose permissions include its own; nil for none.
  package var parent: AgentID?
  /// The location of `parent`; nil when the key is absent or the manifest was not read from a file.
  package var parentLocation: Location?

  /// A manifest; by default without permissions, plugins and limits.
  package init(
    id: AgentID, name: String, version: String = "0.0.0", description: String = "", runtime: Runtime,
    permissions: Permissions = Permissions(), plugins: [String] = [], budget: Budget = Budget(),
    policy: Policy = Policy(), subscribe: [EventPattern] = [], document: Value = .map([:]), file: String = "<manifest>",
    parent: AgentID? = nil, parentLocation: Location? = nil
  ) {
    self.id = id
    self.name = name
    self.version = version
    self.description = description
    self.runtime = runtime
    self.permissions = permissions
    self.plugins = plugins
    boxedBudget = Boxed(budget)
    self.policy = policy
    self.subscribe = subscribe
    self.document = document
    self.file = file
    self.parent = parent
    self.parentLocation = parentLocation
  }

  /// `budget`: the agent's own limits.
  package var budget: Budget {
    get { boxedBudget.value }
    set { boxedBudget.value = newValue }
  }

  private var boxedBudget: Boxed<Budget>

  /// `cognition`: how it thinks, for an agent without a program of its own; nil for others.
  package var mind: Mind? {
    get { boxedMind?.value }
    set { boxedMind = newValue.map { Boxed($0) } }
  }

  private var boxedMind: Boxed<Mind>?

  /// An agent's isolation, entry and lifecycle.
  package struct Runtime: Sendable, Hashable {
    /// The isolation.
    package var driver: Driver
    /// The code: the name of a linked type (in-process), a module file (wasm), a program (process), an image (docker).
    package var entry: String
    /// The program's arguments, without its name (process); the command in the image (docker).
    package var arguments: [String]
    /// When the agent runs.
    package var lifecycle: Lifecycle
    /// Whether memory persists from one event to the next (wasm).
    package var instance: Instance

    /// A runtime; on demand and warm unless given.
    package init(
      driver: Driver, entry: String, arguments: [String] = [], lifecycle: Lifecycle = .onDemand,
      instance: Instance = .warm
    ) {
      self.instance = instance
      self.driver = driver
      self.entry = entry
      self.arguments = arguments
      self.lifecycle = lifecycle
    }
  }

  /// Whether an instance is kept.
  package enum Instance: String, Sendable, Hashable, CaseIterable {
    /// It handles one event after the other.
    case warm
    /// A new one handles each event.
    case fresh
  }

  /// The isolations.
  package enum Driver: String, Sendable, Hashable, CaseIterable {
    case inProcess = "in-process"
    case process
    case wasm
    case docker
  }

  /// When an agent runs.
  package enum Lifecycle: String, Sendable, Hashable, CaseIterable {
    /// Started by the first event, rule or command that needs it, and kept running.
    case onDemand = "on-demand"
    /// Started with the daemon.
    case always
    /// Started for one event and stopped after it.
    case oneShot = "one-shot"
  }
}

/// The permissions of an agent. Patterns match as in event names; whatever no pattern matches is denied.
package struct Permissions: Sendable, Hashable {
  /// Sensors and inputs it may read.
  package var sensors: [EventPattern]
  /// Actuators it may control.
  package var actuators: [EventPattern]
  /// Cameras it may take pictures with.
  package var cameras: [EventPattern]
  /// Events it may emit.
  package var emit: [EventPattern]
  /// Whether it may send requests to a model.
  package var model: Bool
  /// Folders and files it may read.
  package var paths: [String]
  /// Hosts it may connect to.
  package var hosts: [String]
  /// The bytes that it may have in a folder of its own that stays; nil for no such folder.
  package var data: Int?

  /// Permissions; those left out are denied.
  package init(
    sensors: [EventPattern] = [], actuators: [EventPattern] = [], cameras: [EventPattern] = [],
    emit: [EventPattern] = [], model: Bool = false, paths: [String] = [], hosts: [String] = [],
    data: Int? = nil
  ) {
    self.sensors = sensors
    self.actuators = actuators
    self.cameras = cameras
    self.emit = emit
    self.model = model
    self.paths = paths
    self.hosts = hosts
    self.data = data
  }

  /// Permissions for all devices and events, as an operator has them.
  package static let all = Permissions(
    sensors: [EventPattern("*")], actuators: [EventPattern("*")], cameras: [EventPattern("*")],
    emit: [EventPattern("*")])
}

/// The limits of an agent; with nil, only the board's limit applies.
package struct Budget: Sendable, Hashable {
  /// Memory in bytes.
  package var memory: Int?
  /// CPU time as a fraction of one core.
  package var cpu: Double?
  /// The longest duration of an activation.
  package var activation: Duration?
  /// Model tokens, and money for them.
  package var tokens: TokenLimits
  /// Whether a call that these do not allow waits for the next window.
  package var waitsForTokens: Bool
  /// Events it emits.
  package var events: Rate?
  /// Hardware operations.
  package var hardware: Rate?
  /// Bytes of log.
  package var log: Rate?
  /// Bytes of durable state.
  package var storage: Int?

  /// A budget; limits left out do not apply.
  package init(
    memory: Int? = nil, cpu: Double? = nil, activation: Duration? = nil, tokens: TokenLimits = TokenLimits(),
    waitsForTokens: Bool = false, events: Rate? = nil, hardware: Rate? = nil, log: Rate? = nil, storage: Int? = nil
  ) {
    self.memory = memory
    self.cpu = cpu
    self.activation = activation
    self.tokens = tokens
    self.waitsForTokens = waitsForTokens
    self.events = events
    self.hardware = hardware
    self.log = log
    self.storage = storage
  }
}

extension Budget: Defaulted {
  package static var usual: Budget { Budget() }
}

/// An agent's restarts, grace time and priority.
package struct Policy: Sendable, Hashable {
  /// Whether the agent is restarted when it ends.
  package var restart: Restart
  /// The most restarts within `window`; one more quarantines the agent.
  package var maxRestarts: Int
  /// The window of `maxRestarts`.
  package var window: Duration
  /// The delay before the first restart; doubles with each further one.
  package var backoff: Duration
  /// The longest delay.
  package var maxBackoff: Duration
  /// The time that the agent has to finish its activation when it is stopped.
  package var grace: Duration
  /// The order in which agents run, and in reverse are stopped when resources are short.
  package var priority: Priority
  /// What its failure means for the other children of its parent.
  package var supervision: Supervision

  /// A policy with the defaults of `docs/agent-json.md`.
  package init(
    restart: Restart = .onFailure, maxRestarts: Int = 3, window: Duration = .seconds(60),
    backoff: Duration = .milliseconds(500), maxBackoff: Duration = .seconds(10), grace: Duration = .seconds(30),
    priority: Priority = .normal, supervision: Supervision = .oneForOne
  ) {
    self.restart = restart
    self.maxRestarts = maxRestarts
    self.window = window
    self.backoff = backoff
    self.maxBackoff = maxBackoff
    self.grace = grace
    self.priority = priority
    self.supervision = supervision
  }

  /// Whether an agent is restarted when it ends.
  package enum Restart: String, Sendable, Hashable, CaseIterable {
    case never
    case onFailure = "on-failure"
    case always
  }

  /// What is restarted when a child agent fails, by the names of Erlang's supervisors.
  package enum Supervision: String, Sendable, Hashable, CaseIterable {
    /// The child alone.
    case oneForOne = "one-for-one"
    /// The child and all of its siblings that run.
    case oneForAll = "one-for-all"
    /// The child and those of its siblings that started after it.
    case restForOne = "rest-for-one"
  }
}

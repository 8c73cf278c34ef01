import OpenStarryAgent

/// A checked `agent.json`: an agent's identity, runtime, permissions and budget.
public struct Manifest: Sendable {
  /// `identity.id`.
  public var id: AgentID
  /// `identity.name`, for people.
  public var name: String
  /// `identity.version`.
  public var version: String
  /// `identity.description`.
  public var description: String
  /// `runtime`: isolation, entry and lifecycle.
  public var runtime: Runtime
  /// `capabilities.permissions`. Everything else is denied.
  public var permissions: Permissions
  /// `capabilities.plugins`, each `name@version`; mounted read-only at `$OPENSTARRY_HOME/plugins/<name>`.
  public var plugins: [String]
  /// `policy`: restarts, grace time and priority.
  public var policy: Policy
  /// `subscribe`: events that wake the agent without a rule.
  public var subscribe: [EventPattern]
  /// The manifest as it was read, including unknown keys; empty once the agent is registered and stored.
  public var document: Value
  /// The path of the file; relative paths in the manifest start at its folder.
  public var file: String
  /// `parent`: the agent whose budget it shares; nil for none.
  public var parent: AgentID?
  /// The location of `parent`; nil when the key is absent or the manifest was not read from a file.
  public var parentLocation: Location?

  /// A manifest; by default without permissions, plugins and limits.
  public init(
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
  public var budget: Budget {
    get { boxedBudget.value }
    set { boxedBudget.value = newValue }
  }

  private var boxedBudget: Boxed<Budget>

  /// An agent's isolation, entry and lifecycle.
  public struct Runtime: Sendable, Hashable {
    /// The isolation.
    public var driver: Driver
    /// The code: the name of a linked type (in-process), a module file (wasm), a program (process), an image (docker).
    public var entry: String
    /// The program's arguments, without its name (process).
    public var arguments: [String]
    /// When the agent runs.
    public var lifecycle: Lifecycle
    /// Whether memory persists from one event to the next (wasm).
    public var instance: Instance

    /// A runtime; on demand and warm unless given.
    public init(
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
  public enum Instance: String, Sendable, Hashable, CaseIterable {
    /// It handles one event after the other.
    case warm
    /// A new one handles each event.
    case fresh
  }

  /// The isolations.
  public enum Driver: String, Sendable, Hashable, CaseIterable {
    case inProcess = "in-process"
    case process
    case wasm
    case docker
  }

  /// When an agent runs.
  public enum Lifecycle: String, Sendable, Hashable, CaseIterable {
    /// Started by the first event, rule or command that needs it, and kept running.
    case onDemand = "on-demand"
    /// Started with the daemon.
    case always
    /// Started for one event and stopped after it.
    case oneShot = "one-shot"
  }
}

/// The permissions of an agent. Patterns match as in event names; whatever no pattern matches is denied.
public struct Permissions: Sendable, Hashable {
  /// Sensors and inputs it may read.
  public var sensors: [EventPattern]
  /// Actuators it may control.
  public var actuators: [EventPattern]
  /// Cameras it may take pictures with.
  public var cameras: [EventPattern]
  /// Events it may emit.
  public var emit: [EventPattern]
  /// Whether it may send requests to a model.
  public var model: Bool
  /// Folders and files it may read.
  public var paths: [String]
  /// Hosts it may connect to.
  public var hosts: [String]

  /// Permissions; those left out are denied.
  public init(
    sensors: [EventPattern] = [], actuators: [EventPattern] = [], cameras: [EventPattern] = [],
    emit: [EventPattern] = [], model: Bool = false, paths: [String] = [], hosts: [String] = []
  ) {
    self.sensors = sensors
    self.actuators = actuators
    self.cameras = cameras
    self.emit = emit
    self.model = model
    self.paths = paths
    self.hosts = hosts
  }

  /// Permissions for all devices and events, as an operator has them.
  public static let all = Permissions(
    sensors: [EventPattern("*")], actuators: [EventPattern("*")], cameras: [EventPattern("*")],
    emit: [EventPattern("*")])
}

/// The limits of an agent; with nil, only the board's limit applies.
public struct Budget: Sendable, Hashable {
  /// Memory in bytes.
  public var memory: Int?
  /// CPU time as a fraction of one core.
  public var cpu: Double?
  /// The longest duration of an activation.
  public var activation: Duration?
  /// Model tokens.
  public var tokens: Rate?
  /// Events it emits.
  public var events: Rate?
  /// Hardware operations.
  public var hardware: Rate?
  /// Bytes of log.
  public var log: Rate?
  /// Bytes of durable state.
  public var storage: Int?

  /// A budget; limits left out do not apply.
  public init(
    memory: Int? = nil, cpu: Double? = nil, activation: Duration? = nil, tokens: Rate? = nil, events: Rate? = nil,
    hardware: Rate? = nil, log: Rate? = nil, storage: Int? = nil
  ) {
    self.memory = memory
    self.cpu = cpu
    self.activation = activation
    self.tokens = tokens
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
public struct Policy: Sendable, Hashable {
  /// Whether the agent is restarted when it ends.
  public var restart: Restart
  /// The most restarts within `window`; one more quarantines the agent.
  public var maxRestarts: Int
  /// The window of `maxRestarts`.
  public var window: Duration
  /// The delay before the first restart; doubles with each further one.
  public var backoff: Duration
  /// The longest delay.
  public var maxBackoff: Duration
  /// The time that the agent has to finish its activation when it is stopped.
  public var grace: Duration
  /// The order in which agents run, and in reverse are stopped when resources are short.
  public var priority: Priority

  /// A policy with the defaults of `docs/agent-json.md`.
  public init(
    restart: Restart = .onFailure, maxRestarts: Int = 3, window: Duration = .seconds(60),
    backoff: Duration = .milliseconds(500), maxBackoff: Duration = .seconds(10), grace: Duration = .seconds(30),
    priority: Priority = .normal
  ) {
    self.restart = restart
    self.maxRestarts = maxRestarts
    self.window = window
    self.backoff = backoff
    self.maxBackoff = maxBackoff
    self.grace = grace
    self.priority = priority
  }

  /// Whether an agent is restarted when it ends.
  public enum Restart: String, Sendable, Hashable, CaseIterable {
    case never
    case onFailure = "on-failure"
    case always
  }
}

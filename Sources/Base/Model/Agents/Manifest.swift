import OpenStarryAgent

/// What an agent is, may do and may use: `agent.json`, checked.
public struct Manifest: Sendable {
  /// `identity.id`.
  public var id: AgentID
  /// `identity.name`, for people.
  public var name: String
  /// `identity.version`.
  public var version: String
  /// `identity.description`.
  public var description: String
  /// `runtime`: where it runs, what is run, and when.
  public var runtime: Runtime
  /// `capabilities.permissions`: what it may reach. Everything else is denied.
  public var permissions: Permissions
  /// `capabilities.plugins`: `name@version`, seen read-only under `$OPENSTARRY_HOME/plugins/<name>`.
  public var plugins: [String]
  /// `budget`: what it may use.
  public var budget: Budget
  /// `policy`: what happens when it ends.
  public var policy: Policy
  /// `subscribe`: events that wake it without a rule.
  public var subscribe: [EventPattern]
  /// The manifest as it was read, unknown keys and all.
  public var document: Value
  /// Where the file is; relative paths in it start there.
  public var file: String
  /// `parent`: the agent whose budget it shares; nil is nobody's.
  public var parent: AgentID?
  /// Where that is said; nil where it is not, or the manifest was not read from a file.
  public var parentLocation: Location?

  /// Puts a manifest together.
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
    self.budget = budget
    self.policy = policy
    self.subscribe = subscribe
    self.document = document
    self.file = file
    self.parent = parent
    self.parentLocation = parentLocation
  }

  /// Where an agent runs, what is run, and when.
  public struct Runtime: Sendable, Hashable {
    /// The isolation.
    public var driver: Driver
    /// What is run: the name of a linked type (in-process), a module file (wasm), a program (process), an image.
    public var entry: String
    /// When it runs.
    public var lifecycle: Lifecycle

    /// Puts a runtime together.
    public init(driver: Driver, entry: String, lifecycle: Lifecycle = .onDemand) {
      self.driver = driver
      self.entry = entry
      self.lifecycle = lifecycle
    }
  }

  /// The isolation levels.
  public enum Driver: String, Sendable, Hashable, CaseIterable {
    case inProcess = "in-process"
    case process
    case wasm
    case docker
  }

  /// When an agent runs.
  public enum Lifecycle: String, Sendable, Hashable, CaseIterable {
    /// Started by the first event, rule or command that needs it, and kept.
    case onDemand = "on-demand"
    /// Started with the daemon.
    case always
    /// Started for one event, stopped after it.
    case oneShot = "one-shot"
  }
}

/// What an agent may reach. Default is deny.
public struct Permissions: Sendable, Hashable {
  /// Sensors and inputs it may read; `*` matches as in event names.
  public var sensors: [EventPattern]
  /// Actuators it may control.
  public var actuators: [EventPattern]
  /// Cameras it may see.
  public var cameras: [EventPattern]
  /// Events it may emit.
  public var emit: [EventPattern]
  /// Whether it may ask a model.
  public var model: Bool
  /// Folders and files it may read.
  public var paths: [String]
  /// Hosts it may connect to.
  public var hosts: [String]

  /// Puts permissions together; nothing is allowed unless said.
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

  /// Everything on the board: what an operator has.
  public static let all = Permissions(
    sensors: [EventPattern("*")], actuators: [EventPattern("*")], cameras: [EventPattern("*")],
    emit: [EventPattern("*")])
}

/// What an agent may use; nil is no limit of its own, the board's stands.
public struct Budget: Sendable, Hashable {
  /// In bytes.
  public var memory: Int?
  /// A fraction of one core.
  public var cpu: Double?
  /// The longest one activation may take.
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

  /// Puts a budget together.
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

/// What happens when an agent ends.
public struct Policy: Sendable, Hashable {
  /// Whether it is started again.
  public var restart: Restart
  /// How many restarts within `window` before it is quarantined.
  public var maxRestarts: Int
  /// The stretch of time `maxRestarts` counts in.
  public var window: Duration
  /// The wait before the first restart; doubles with each one after.
  public var backoff: Duration
  /// The longest wait.
  public var maxBackoff: Duration
  /// How long it may take to finish what it is doing when it is asked to stop.
  public var grace: Duration
  /// Which agents go first, and which stop last.
  public var priority: Priority

  /// Puts a policy together.
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

  /// Whether an agent is started again when it ends.
  public enum Restart: String, Sendable, Hashable, CaseIterable {
    case never
    case onFailure = "on-failure"
    case always
  }
}

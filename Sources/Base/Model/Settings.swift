/// The daemon's own settings: `openstarry.yaml`, with every default filled in.
public struct Settings: Sendable {
  /// The board file.
  public var board: String
  /// Manifests: files, or folders in which every `*/agent.json` and `*.agent.json` counts.
  public var agents: [String]
  /// Rule files.
  public var rules: [String]
  /// `$OPENSTARRY_HOME`: registry, modules, plugins.
  public var home: String
  /// The control socket.
  public var socket: String
  /// The socket's mode bits; group may do what `operators` may.
  public var socketMode: UInt32
  /// Groups whose members may look / act / do everything. The daemon's own user and root are admins.
  public var viewGroup: String?
  /// See `viewGroup`.
  public var operateGroup: String?
  /// See `viewGroup`.
  public var adminGroup: String?
  /// How many hops an event chain may have.
  public var depthLimit: Int
  /// How many events the memory ring keeps.
  public var eventRing: Int
  /// How many log lines are kept for each agent.
  public var logLines: Int
  /// Whether a guardian makes outputs safe should the daemon die; nil leaves it to the board: real ones have one.
  public var guardian: Bool?
  /// The longest an activation should take of an agent whose manifest does not say; longer is reported.
  public var activationLimit: Duration
  /// The hardware's watchdog, e.g. `/dev/watchdog`; nil where nobody shall feed one.
  public var watchdog: String?
  /// How long the loop may stand still before the hardware's watchdog resets the board.
  public var watchdogTimeout: Duration
  /// What all agents together may use; an agent's own budget is at most this.
  public var budget: Budget
  /// Bytes that the daemon may write to the disk.
  public var diskBudget: Rate?

  /// The budgets as the agents are held to them.
  public var boardLimits: BoardLimits {
    BoardLimits(budget: budget, disk: diskBudget, activationReport: activationLimit)
  }

  /// Puts settings together; the defaults are those of `docs/openstarry-yaml.md`.
  public init(
    board: String, agents: [String] = [], rules: [String] = [], home: String = "/var/lib/openstarry",
    socket: String = "/run/openstarry/control.sock", socketMode: UInt32 = 0o660, viewGroup: String? = nil,
    operateGroup: String? = nil, adminGroup: String? = nil, depthLimit: Int = 16, eventRing: Int = 1024,
    logLines: Int = 200, activationLimit: Duration = .milliseconds(50), watchdog: String? = nil,
    watchdogTimeout: Duration = .seconds(15), guardian: Bool? = nil, budget: Budget = Budget(), diskBudget: Rate? = nil
  ) {
    self.budget = budget
    self.diskBudget = diskBudget
    self.board = board
    self.agents = agents
    self.rules = rules
    self.home = home
    self.socket = socket
    self.socketMode = socketMode
    self.viewGroup = viewGroup
    self.operateGroup = operateGroup
    self.adminGroup = adminGroup
    self.depthLimit = depthLimit
    self.eventRing = eventRing
    self.logLines = logLines
    self.activationLimit = activationLimit
    self.watchdog = watchdog
    self.watchdogTimeout = watchdogTimeout
    self.guardian = guardian
  }
}

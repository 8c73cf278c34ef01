/// The daemon's own settings: `openstarry.yaml`, with every default filled in.
package struct Settings: Sendable {
  /// The path of the board file.
  package var board: String
  /// Paths of manifests: files, or folders with `*/agent.json` and `*.agent.json`.
  package var agents: [String]
  /// Paths of rule files.
  package var rules: [String]
  /// `$OPENSTARRY_HOME`: the folder of the registry and modules.
  package var home: String
  /// The folder of plugins; nil is `plugins` in `home`.
  package var plugins: String?
  /// Whether plugins without a trusted signature may be installed.
  package var allowsUnsignedPlugins = false
  /// The socket of the Docker engine that runs containers; nil for podman.
  package var docker: String?
  /// The language models that agents may ask, in the order in which they are tried.
  package var models: [ModelSettings] = []
  /// The path of the control socket.
  package var socket: String
  /// The socket's permission bits.
  package var socketMode: UInt32
  /// The group with role `view`; nil for none. Root and the daemon's user have role `admin`.
  package var viewGroup: String?
  /// The group with role `operate`; nil for none.
  package var operateGroup: String?
  /// The group with role `admin`; nil for none.
  package var adminGroup: String?
  /// The group whose members may approve commands; nil for nobody.
  package var approveGroup: String?
  /// The most hops of an event chain.
  package var depthLimit: Int
  /// The number of events in the memory ring.
  package var eventRing: Int
  /// The number of log lines kept for each agent.
  package var logLines: Int
  /// Whether a guardian makes outputs safe if the daemon dies; nil for the default, which is true on real boards only.
  package var guardian: Bool?
  /// How much of agents' questions to models and of the answers is kept in memory, in bytes; 0 for nothing.
  package var transcript = 65_536
  /// The activation time that is reported when exceeded, for agents whose manifest sets no limit.
  package var activationLimit: Duration
  /// The hardware watchdog, e.g. `/dev/watchdog`; nil for none.
  package var watchdog: String?
  /// How long the loop may be stuck before the hardware watchdog resets the board.
  package var watchdogTimeout: Duration
  /// The budget of all agents together. An agent's own budget is capped at it.
  package var budget: Budget
  /// The limit on bytes that the daemon writes to the disk; nil for none.
  package var diskBudget: Rate?

  /// The folder of plugins.
  package var pluginFolder: String { plugins ?? "\(home)/plugins" }

  /// The budgets and limits for agents.
  package var boardLimits: BoardLimits {
    BoardLimits(budget: budget, disk: diskBudget, activationReport: activationLimit)
  }

  /// Settings with the defaults of `docs/openstarry-yaml.md`.
  package init(
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

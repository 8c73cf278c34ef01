import Model

/// A registered agent.
public struct StoredAgent: Sendable, Hashable {
  /// Which agent.
  public var id: AgentID
  /// Its manifest as it was read; numbers, texts, lists and maps come back as they were.
  public var manifest: Value
  /// Where the manifest came from; relative paths in it start there.
  public var file: String
  /// Whether it may run.
  public var isEnabled: Bool

  /// Puts a registration together.
  public init(id: AgentID, manifest: Value, file: String, isEnabled: Bool = true) {
    self.id = id
    self.manifest = manifest
    self.file = file
    self.isEnabled = isEnabled
  }
}

/// One line of the restart ledger: something ended or began, and why.
public struct LedgerEntry: Sendable, Hashable {
  /// What it was that ended or began.
  public enum Scope: String, Sendable, Hashable, CaseIterable {
    case agent
    case daemon
    case board
  }

  /// What it is about.
  public var scope: Scope
  /// Milliseconds since 1970.
  public var time: UInt64
  /// Which agent; empty where it is about none.
  public var agent: AgentID
  /// The typed reason, e.g. `budget.memory`.
  public var reason: String
  /// One sentence; at most 1 KiB is kept.
  public var message: String
  /// The signal that ended it (signal(7)); nil when none did.
  public var signal: Int32?
  /// The budget that it went beyond, as `budget:exceeded` carries it; nil when that was not why.
  public var budget: Fields?
  /// The last event it was handed; nil when there was none.
  public var event: ULID?
  /// That event's type.
  public var eventType: String?
  /// The kernel's id of the boot it happened in (/proc/sys/kernel/random/boot_id).
  public var boot: String
  /// Milliseconds since that boot.
  public var uptime: UInt64

  /// Puts a line together.
  public init(
    _ scope: Scope = .agent, time: UInt64, agent: AgentID = "", reason: String, message: String = "",
    signal: Int32? = nil, budget: Fields? = nil, event: ULID? = nil, eventType: String? = nil, boot: String = "",
    uptime: UInt64 = 0
  ) {
    self.scope = scope
    self.signal = signal
    self.budget = budget
    self.eventType = eventType
    self.time = time
    self.agent = agent
    self.reason = reason
    self.message = message
    self.event = event
    self.boot = boot
    self.uptime = uptime
  }
}

/// One change of the registry; a batch of them is applied as a whole.
public enum StoreChange: Sendable, Hashable {
  /// Registers an agent or replaces its registration.
  case registerAgent(StoredAgent)
  /// Forgets an agent and its state; its ledger stays.
  case removeAgent(AgentID)
  /// Says whether an agent may run; nothing happens when it is not registered.
  case enableAgent(AgentID, Bool)
  /// Keeps a value of an agent's state; nil removes it. Bytes come back as base64 text, as JSON has none.
  case setState(AgentID, key: String, Value?)
  /// Forgets all of an agent's state.
  case removeState(AgentID)
  /// Appends to the restart ledger; the oldest lines beyond the limits go.
  case appendLedger(LedgerEntry)
  /// Keeps a setting of the daemon itself; nil removes it.
  case setNote(String, String?)
}

/// How much the registry keeps.
public enum StoreLimits {
  /// The longest key of a state value, in UTF-8 bytes.
  public static let keyBytes = 256
  /// The longest state value, as JSON, in bytes.
  public static let valueBytes = 64 << 10
  /// How many ledger lines of one agent are kept.
  public static let ledgerLinesPerAgent = 200
  /// How many ledger lines are kept in all.
  public static let ledgerLines = 2000
  /// How long a ledger line's message may be, in UTF-8 bytes; more is cut off.
  public static let messageBytes = 1024
}

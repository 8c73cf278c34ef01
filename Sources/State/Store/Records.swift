import Model

/// A registered agent.
package struct StoredAgent: Sendable, Hashable {
  /// The agent's id.
  package var id: AgentID
  /// The manifest as it was read. Bytes come back as base64 text, everything else unchanged.
  package var manifest: Value
  /// The path of the manifest; relative paths in it start at its folder.
  package var file: String

  /// A registration; by default enabled.
  package init(id: AgentID, manifest: Value, file: String) {
    self.id = id
    self.manifest = manifest
    self.file = file
  }
}

/// A line of the restart ledger: the start or end of an agent, the daemon or the board, and its reason.
package struct LedgerEntry: Sendable, Hashable {
  /// The subject of a line.
  package enum Scope: String, Sendable, Hashable, CaseIterable {
    case agent
    case daemon
    case board
  }

  /// The subject of the line.
  package var scope: Scope
  /// The wall-clock time in milliseconds since 1970.
  package var time: UInt64
  /// The agent; empty for lines about the daemon or the board.
  package var agent: AgentID
  /// The reason's name, e.g. `budget.memory`.
  package var reason: String
  /// The explanation, one sentence; cut to 1 KiB.
  package var message: String
  /// The signal that ended the process (signal(7)); nil for none.
  package var signal: Int32?
  /// The exceeded budget, with the fields of `budget:exceeded`; nil for another reason.
  package var budget: Fields?
  /// The id of the last event that the agent received; nil for none.
  package var event: ULID?
  /// The name of that event.
  package var eventType: String?
  /// The kernel's id of the boot (/proc/sys/kernel/random/boot_id).
  package var boot: String
  /// The time since that boot in milliseconds.
  package var uptime: UInt64

  /// A line; by default about an agent.
  package init(
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

/// A change of the registry. A batch of changes is applied as a whole or not at all.
package enum StoreChange: Sendable, Hashable {
  /// Registers an agent or replaces its registration.
  case registerAgent(StoredAgent)
  /// Removes an agent and its state; its ledger lines stay.
  case removeAgent(AgentID)
  /// Stores a value of an agent's state; nil removes it. Bytes come back as base64 text, as JSON has no bytes.
  case setState(AgentID, key: String, Value?)
  /// Removes all of an agent's state.
  case removeState(AgentID)
  /// Appends to the restart ledger and removes the oldest lines beyond the limits.
  case appendLedger(LedgerEntry)
  /// Stores a setting of the daemon itself; nil removes it.
  case setNote(String, String?)
}

/// The limits of the registry.
package enum StoreLimits {
  /// The longest key of a state value, in UTF-8 bytes.
  package static let keyBytes = 256
  /// The longest state value, in bytes of JSON.
  package static let valueBytes = 64 << 10
  /// The most ledger lines of one agent.
  package static let ledgerLinesPerAgent = 200
  /// The most ledger lines in all.
  package static let ledgerLines = 2000
  /// The longest message of a ledger line, in UTF-8 bytes; the rest is cut off.
  package static let messageBytes = 1024
}

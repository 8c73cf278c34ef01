import Document
import Model

extension StoreChange {
  /// Checks whether the change can be stored, so that a bad value is refused before it fails a batch. Does no I/O.
  /// - Throws: `invalid` for a key or value that is too long, nests too deep, or contains the character U+0000.
  package func check() throws(StoreError) {
    switch self {
    case .registerAgent(let agent):
      _ = try Self.text(agent.manifest, "the manifest of agent '\(agent.id)'")
    case .setState(let agent, let key, let value?):
      guard !key.utf8.contains(0), key.utf8.count <= StoreLimits.keyBytes else {
        throw .invalid(
          "agent '\(agent)': a key has at most \(StoreLimits.keyBytes) bytes and no U+0000, not \(key.utf8.count)")
      }
      let bytes = try Self.text(value, "state '\(key)' of agent '\(agent)'")
      guard bytes <= StoreLimits.valueBytes else {
        throw .invalid(
          "state '\(key)' of agent '\(agent)' has \(bytes) bytes; the limit is \(StoreLimits.valueBytes)")
      }
    default: break
    }
  }

  /// Encodes a value as JSON and reads it back, as the daemon's next start will.
  /// - Returns: the length of the JSON in bytes.
  private static func text(_ value: Value, _ what: String) throws(StoreError) -> Int {
    let bytes = JSON.encode(value)
    do {
      _ = try JSON.decode(bytes[...], limits: .defaultValue)
    } catch {
      throw .invalid("\(what) cannot be stored: \(error.message)")
    }
    return bytes.count
  }
}

extension Store {
  /// Applies one change, within a transaction.
  func apply(_ change: StoreChange, to database: Database) throws(StoreError) {
    switch change {
    case .registerAgent(let agent):
      try database.put(
        "agents",
        [
          .text(agent.id.rawValue), .text(JSON.text(agent.manifest)), .text(agent.file),
          // The column `enabled`: notes say who is disabled, because agents of the configuration are not in this table.
          .integer(1),
        ])
    case .removeAgent(let id):
      try database.run("DELETE FROM agents WHERE id = ?", [.text(id.rawValue)])
      try database.run("DELETE FROM agent_state WHERE agent = ?", [.text(id.rawValue)])
    case .setState(let agent, let key, let value): try setState(agent, key, value, in: database)
    case .removeState(let agent):
      try database.run("DELETE FROM agent_state WHERE agent = ?", [.text(agent.rawValue)])
    case .appendLedger(let entry): try append(entry, to: database)
    case .setNote(let key, let value?): try database.put("meta", [.text("note.\(key)"), .text(value)])
    case .setNote(let key, nil): try database.run("DELETE FROM meta WHERE key = ?", [.text("note.\(key)")])
    }
  }

  private func setState(
    _ agent: AgentID, _ key: String, _ value: Value?, in database: Database
  ) throws(StoreError) {
    guard let value else {
      return try database.run(
        "DELETE FROM agent_state WHERE agent = ? AND key = ?", [.text(agent.rawValue), .text(key)])
    }
    try database.put("agent_state", [.text(agent.rawValue), .text(key), .text(JSON.text(value))])
  }

  private func append(_ entry: LedgerEntry, to database: Database) throws(StoreError) {
    let newest = try database.rows("SELECT max(number) FROM ledger").first?.first?.integer ?? 0
    try database.put(
      "ledger",
      [
        .integer(newest + 1), .text(entry.scope.rawValue), .integer(Int64(clamping: entry.time)),
        .text(entry.agent.rawValue), .text(entry.reason), .text(shortened(entry.message)),
        entry.signal.map { .integer(Int64($0)) } ?? .null, entry.budget.map { .text(JSON.text(.map($0))) } ?? .null,
        entry.event.map { .text($0.description) } ?? .null, entry.eventType.map { .text(shortened($0)) } ?? .null,
        .text(entry.boot), .integer(Int64(clamping: entry.uptime)),
      ])
    try database.run(
      "DELETE FROM ledger WHERE number <= ?", [.integer(newest + 1 - Int64(StoreLimits.ledgerLines))])
    try database.run(
      """
      DELETE FROM ledger WHERE agent = ?1 AND number <=
        (SELECT number FROM ledger WHERE agent = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)
      """, [.text(entry.agent.rawValue), .integer(Int64(StoreLimits.ledgerLinesPerAgent))])
  }

  /// The message cut to the limit, between characters.
  private func shortened(_ message: String) -> String {
    var text = message[...]
    while text.utf8.count > StoreLimits.messageBytes {
      text = text.prefix(min(text.count - 1, StoreLimits.messageBytes))
    }
    return String(text)
  }
}

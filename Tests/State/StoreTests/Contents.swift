import Linux
import TestKit

@testable import Store

extension TemporaryFolder {
  /// In memory where there is a place for that, as thousands are made.
  convenience init() throws(SystemError) { try self.init(in: Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp") }

  /// Opens the registry in here.
  func store() throws(StoreError) -> Store { try Store(folder: path) }
}

/// Everything a registry holds.
struct Contents: Equatable {
  var agents: [StoredAgent]
  var states: [String: String]
  var ledger: [LedgerEntry]
  var note: String?

  init(_ store: Store) throws(StoreError) {
    agents = try store.agents()
    states = [:]
    for (agent, fields) in try store.states() { states[agent.rawValue] = "\(fields)" }
    ledger = try store.ledger(last: .max)
    note = try store.note("x")
  }
}

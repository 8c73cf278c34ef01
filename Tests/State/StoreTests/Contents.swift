import Linux
import TestKit

@testable import Store

extension TemporaryFolder {
  /// In memory if possible, as the tests make thousands of them.
  convenience init() throws(SystemError) { try self.init(in: Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp") }

  /// Opens the registry in this folder.
  func store() throws(StoreError) -> Store { try Store(folder: path) }
}

/// The whole content of a registry.
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

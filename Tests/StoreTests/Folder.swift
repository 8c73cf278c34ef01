import Glibc
import Linux

@testable import Store

/// A folder that goes with the test that made it; in memory where there is a place for that, as thousands are made.
final class Folder {
  let path: String

  init() throws {
    let parent = Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/openstarry-store-XXXXXX".utf8CString)
    // SAFETY: mkdtemp replaces the six X of the zero-terminated template in place.
    guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp", parent) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names { Files.remove("\(path)/\(name)") }
    _ = unsafe path.withCString { unsafe rmdir($0) }
  }

  var names: [String] { (try? Files.names(in: path)) ?? [] }

  func bytes(_ name: String) throws -> [UInt8] { try Files.read("\(path)/\(name)", limit: 64 << 20) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = try System.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
    try System.writeAll(file.number, bytes)
  }

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

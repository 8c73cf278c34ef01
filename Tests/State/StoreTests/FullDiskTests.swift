import Glibc
import Linux
import Model
import TestKit
import Testing

@testable import Store

@Suite struct FullDiskTests {
  private let big = Value.string(String(repeating: "x", count: 20_000))

  @Test func aFullDatabaseRefusesABatchAndKeepsTheRest() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.setState("a", "k", 1)
    try #require(store.database).execute("PRAGMA max_page_count = 12")
    let batch: [StoreChange] = [.setState("a", key: "k", 2)] + (0..<9).map { .setState("a", key: "b\($0)", big) }
    let error = failure { () throws(StoreError) in try store.apply(batch) }
    #expect(error == .full("\(folder.path)/registry.db"))
    #expect(try store.state("a") == ["k": 1])
    try store.setState("a", "k", 3)
    store.close()
    #expect(try folder.store().state("a") == ["k": 3])
  }

  /// A file system of 256 KiB that really fills up, at an arbitrary write.
  @Test func aFullDiskLosesNothingThatWasAcknowledged() throws {
    let folder = try TemporaryFolder()
    let disk = "\(folder.path)/disk"
    try Files.makeFolder(disk)
    let mounted = unsafe mount("none", disk, "tmpfs", 0, "size=256k")
    guard mounted == 0 else {
      print("skipped: a small file system cannot be mounted here: \(SystemError("mount", disk))")
      _ = unsafe rmdir(disk)
      return
    }
    defer {
      _ = unsafe umount2(disk, Int32(MNT_DETACH))
      _ = unsafe rmdir(disk)
    }
    var acknowledged: [String: Value] = [:]
    var refusals = 0
    for round in 0..<3 {
      let store = try Store(folder: disk)
      #expect(store.notices == [])
      for number in 0..<60 {
        let key = "k\(round)-\(number)"
        let value = Value.string(String(repeating: "v", count: 3000 + number))
        switch failure({ () throws(StoreError) in try store.setState("a", key, value) }) {
        case nil: acknowledged[key] = value
        case .full: refusals += 1
        case let other?: Issue.record("not 'full': \(other)")
        }
      }
      let state = try store.state("a")
      #expect(state.count == acknowledged.count)
      for (key, value) in acknowledged { #expect(state[key] == value) }
      store.close()
      // Free some space.
      let reopened = try Store(folder: disk)
      #expect(try reopened.state("a") == Fields(acknowledged.map { ($0.key, $0.value) }))
      for key in acknowledged.keys.sorted().prefix(10) where refusals > 0 {
        if failure({ () throws(StoreError) in try reopened.setState("a", key, nil) }) == nil { acknowledged[key] = nil }
      }
      reopened.close()
    }
    #expect(refusals > 0)
  }

  @Test func aReadOnlyRegistryThrows() throws {
    guard geteuid() != 0 else {
      print("skipped: root may write everywhere")
      return
    }
    let folder = try TemporaryFolder()
    try folder.store().close()
    _ = unsafe chmod("\(folder.path)/registry.db", 0o440)
    defer { _ = unsafe chmod("\(folder.path)/registry.db", 0o640) }
    #expect(failure { () throws(StoreError) in _ = try folder.store() } == .readOnly("\(folder.path)/registry.db"))
  }
}

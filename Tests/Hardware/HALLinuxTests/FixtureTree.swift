import EventLoop
import Glibc
import Linux
import TestKit
import Testing

/// A temporary root for `/dev`, `/sys` and `/proc`, removed by its deinit.
final class FixtureTree {
  private let folder: TemporaryFolder
  var root: String { folder.path }

  init(_ files: [String: String] = [:]) throws {
    folder = try TemporaryFolder()
    for (path, text) in files { try write(path, text) }
  }

  func write(_ path: String, _ text: String) throws { try folder.write(path, text) }

  func read(_ path: String) throws -> String { String(decoding: try Files.read(root + path), as: UTF8.self) }

  func link(_ path: String, to target: String) throws {
    try Files.makeFolder(Files.folder(of: root + path))
    let result = unsafe symlink(root + target, root + path)
    #expect(result == 0)
  }
}

extension EventLoop {
  /// Runs the loop until `condition` holds; records an issue after ten seconds.
  func turn(until condition: () -> Bool) {
    var isLate = false
    let timer = schedule(after: .seconds(10)) { isLate = true }
    while !condition() && !isLate {
      // Closures deferred outside a handler run at the start of a turn, which then must not wait.
      turn(wait: false)
      if !condition() { turn(wait: true) }
    }
    cancel(timer)
    #expect(!isLate, "it did not happen within ten seconds")
  }
}

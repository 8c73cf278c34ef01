import EventLoop
import Glibc
import Linux
import Testing

/// A folder of its own with files under it, gone with the last holder.
final class FixtureTree {
  let root: String

  init(_ files: [String: String] = [:]) throws {
    var template = Array("/tmp/openstarry-XXXXXX".utf8CString)
    // SAFETY: mkdtemp writes into the array and returns it.
    let isMade = unsafe mkdtemp(&template) != nil
    try #require(isMade)
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for (path, text) in files { try write(path, text) }
  }

  deinit { Self.remove(root) }

  func write(_ path: String, _ text: String) throws {
    try Files.makeFolder(Files.folder(of: root + path))
    let file = try System.open(root + path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    try System.writeAll(file.number, Array(text.utf8))
  }

  func read(_ path: String) throws -> String { String(decoding: try Files.read(root + path), as: UTF8.self) }

  func link(_ path: String, to target: String) throws {
    try Files.makeFolder(Files.folder(of: root + path))
    let result = unsafe symlink(root + target, root + path)
    #expect(result == 0)
  }

  static func remove(_ path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    if status.st_mode & 0o170000 == 0o040000 {
      for name in (try? Files.names(in: path)) ?? [] { remove("\(path)/\(name)") }
    }
    _ = unsafe Glibc.remove(path)
  }
}

extension EventLoop {
  /// Turns until `condition` holds; records an issue after ten seconds.
  func turn(until condition: () -> Bool) {
    var isLate = false
    let timer = schedule(after: .seconds(10)) { isLate = true }
    while !condition() && !isLate {
      // What was deferred from outside a handler runs at the start of a turn, which then must not wait.
      turn(wait: false)
      if !condition() { turn(wait: true) }
    }
    cancel(timer)
    #expect(!isLate, "it did not happen within ten seconds")
  }
}

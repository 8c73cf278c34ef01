import Glibc
import Linux

/// A new folder that is removed with its content at the end of the object's life.
package final class TemporaryFolder: Sendable {
  /// The path, without a trailing slash.
  package let path: String

  /// Makes the folder (mkdtemp(3)).
  /// - Parameter parent: the folder that contains it; `/dev/shm` for tests that write thousands of files.
  /// - Throws: the errno of mkdtemp.
  package init(in parent: String = "/tmp") throws(SystemError) {
    var template = Array("\(parent)/openstarry-test-XXXXXX".utf8CString)
    // SAFETY: mkdtemp replaces the six X of the zero-terminated template in place.
    guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp", parent) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  /// The names in the folder, sorted.
  package var names: [String] { (try? Files.names(in: path)) ?? [] }

  /// Reads a file in the folder, of at most 64 MiB.
  package func bytes(_ name: String) throws(SystemError) -> [UInt8] {
    try Files.read("\(path)/\(name)", limit: 64 << 20)
  }

  /// Writes a file in the folder, replacing its content, and makes missing parent folders.
  package func write(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
    let full = "\(path)/\(name)"
    try Files.makeFolder(Files.folder(of: full))
    let file = try System.open(full, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
    try System.writeAll(file.number, bytes)
  }

  /// Writes a file of this text in the folder, replacing its content, and makes missing parent folders.
  package func write(_ name: String, _ text: String) throws(SystemError) { try write(name, Array(text.utf8)) }

  /// Removes a file, or a folder with its content; links are not followed. Does nothing when the path does not exist.
  package static func remove(_ path: String) {
    if Files.remove(path) { return }
    for name in (try? Files.names(in: path)) ?? [] { remove("\(path)/\(name)") }
    Files.removeFolder(path)
  }
}

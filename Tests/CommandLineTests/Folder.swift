import Glibc
import Linux

/// A new folder in the temporary folder that goes away with all that is in it.
final class Folder {
  let path: String

  init() throws(SystemError) {
    var template = Array("/tmp/openstarry-cli-XXXXXX".utf8CString)
    // SAFETY: mkdtemp replaces the six X of the zero-terminated template in place.
    guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp", "/tmp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  /// Makes a file, and the folders it is in.
  func write(_ name: String, _ text: String) throws(SystemError) {
    let file = "\(path)/\(name)"
    try Files.makeFolder(Files.folder(of: file))
    try Files.replace(file, with: Array(text.utf8))
  }

  private static func remove(_ path: String) {
    guard Files.isFolder(path) else {
      _ = unsafe path.withCString { unsafe unlink($0) }
      return
    }
    for name in (try? Files.names(in: path)) ?? [] { remove("\(path)/\(name)") }
    _ = unsafe path.withCString { unsafe rmdir($0) }
  }
}

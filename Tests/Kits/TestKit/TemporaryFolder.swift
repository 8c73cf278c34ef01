import Glibc
import Linux

/// A new folder that goes away, with all that is in it, when its last holder does.
public final class TemporaryFolder: Sendable {
  /// Where it is, without a slash at the end.
  public let path: String

  /// Makes it (mkdtemp(3)).
  /// - Parameter parent: where; `/dev/shm` for tests that write thousands of files.
  /// - Throws: what mkdtemp fails with.
  public init(in parent: String = "/tmp") throws(SystemError) {
    var template = Array("\(parent)/openstarry-test-XXXXXX".utf8CString)
    // SAFETY: mkdtemp replaces the six X of the zero-terminated template in place.
    guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp", parent) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  /// The names of what is in it, in no order.
  public var names: [String] { (try? Files.names(in: path)) ?? [] }

  /// Reads a file in it, of 64 MiB at most.
  public func bytes(_ name: String) throws(SystemError) -> [UInt8] {
    try Files.read("\(path)/\(name)", limit: 64 << 20)
  }

  /// Makes a file in it, or writes it anew, and makes the folders on the way.
  public func write(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
    let full = "\(path)/\(name)"
    try Files.makeFolder(Files.folder(of: full))
    let file = try System.open(full, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
    try System.writeAll(file.number, bytes)
  }

  /// Makes a file of this text in it, or writes it anew, and makes the folders on the way.
  public func write(_ name: String, _ text: String) throws(SystemError) { try write(name, Array(text.utf8)) }

  /// Removes a file, or a folder with all that is in it; links are not followed. What is not there is as good.
  public static func remove(_ path: String) {
    if Files.remove(path) { return }
    for name in (try? Files.names(in: path)) ?? [] { remove("\(path)/\(name)") }
    Files.removeFolder(path)
  }
}

import Linux
import Model
import Plugins

/// Decides which names a plugin may contain, and counts what it contains.
///
/// Every source passes through it: a folder, and what the unpacker says that an archive contains.
struct EntryNames {
  /// The most files and folders.
  static let mostEntries = 10_000
  /// The most bytes of all files.
  static let mostBytes = 256 << 20
  private static let longestName = 1024
  private static let deepest = 32

  /// The names so far, as they are compared on file systems that ignore case.
  private var seen: [String: Entry] = [:]
  private var bytes = 0

  private struct Entry {
    var name: String
    var isFolder: Bool
  }

  /// Checks an entry's name, and remembers it.
  /// - Parameters:
  ///   - bytes: the name as the source gives it.
  ///   - mode: the permission bits.
  /// - Returns: the path relative to the plugin's folder, without `.` and a trailing slash; nil for that folder itself.
  /// - Throws: why a plugin may not contain it, with its name.
  mutating func add(_ bytes: [UInt8], isFolder: Bool, mode: UInt32) throws(PluginError) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Self.refuse(String(decoding: bytes, as: UTF8.self), "its name is not UTF-8")
    }
    guard bytes.count <= Self.longestName else { throw Self.refuse(text, "its name is longer than 1024 bytes") }
    if text.unicodeScalars.contains(where: {
      [.control, .format].contains($0.properties.generalCategory) || $0 == "\\"
    }) {
      throw Self.refuse(text, "its name has a control character, a format character or a backslash")
    }
    if Files.isAbsolute(text) { throw Self.refuse(text, "its path is absolute") }
    // A slash is a byte: with a combining mark after it, it is another character to Swift, and still one to the kernel.
    var parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
    if isFolder, parts.last?.isEmpty == true { parts.removeLast() }
    parts.removeAll { $0 == "." }
    guard !parts.isEmpty else { return nil }
    if parts.contains("..") { throw Self.refuse(text, "its path leads out of the plugin") }
    if parts.contains(where: { $0.isEmpty || $0.utf8.count > 255 }) {
      throw Self.refuse(text, "a part of its path is empty or longer than 255 bytes")
    }
    if parts.count > Self.deepest { throw Self.refuse(text, "it is more than \(Self.deepest) folders deep") }
    if mode & 0o7000 & (isFolder ? 0o6000 : 0o7000) != 0 {
      throw Self.refuse(text, "it has the set-user-id, set-group-id or sticky bit")
    }
    // Folders that no entry of their own announces.
    for depth in 1..<parts.count { try note(parts[..<depth].joined(separator: "/"), isFolder: true, isImplied: true) }
    let path = parts.joined(separator: "/")
    try note(path, isFolder: isFolder, isImplied: false)
    return path
  }

  private mutating func note(_ path: String, isFolder: Bool, isImplied: Bool) throws(PluginError) {
    let key = path.lowercased()
    if let other = seen[key] {
      if other.name != path {
        throw Self.refuse(path, "it differs from '\(Self.quoted(other.name))' only in upper and lower case")
      }
      if other.isFolder && isFolder { return }
      throw Self.refuse(path, other.isFolder == isFolder ? "it is there twice" : "it is a file and a folder")
    }
    guard seen.count < Self.mostEntries else {
      throw Self.refuse(path, "there are more than \(Self.mostEntries) entries")
    }
    seen[key] = Entry(name: path, isFolder: isFolder)
  }

  /// Counts bytes of a file.
  /// - Throws: that the plugin is too large, with the file's name.
  mutating func add(bytes count: Int, of path: String) throws(PluginError) {
    bytes += count
    guard bytes <= Self.mostBytes else {
      throw Self.refuse(path, "the plugin has more than \(Self.mostBytes >> 20) MiB")
    }
  }

  /// The total of all files in bytes.
  var total: Int { bytes }

  /// The error about an entry.
  static func refuse(_ name: String, _ why: String) -> PluginError {
    PluginError("'\(quoted(name))' is refused: \(why)")
  }

  /// Text from an archive as an error quotes it: at most 200 characters, escaped.
  static func quoted(_ text: String) -> String {
    let cut = text.unicodeScalars.prefix(200)
    let isWhole = cut.count == text.unicodeScalars.count
    return String(String.UnicodeScalarView(cut)).printable + (isWhole ? "" : "…")
  }
}

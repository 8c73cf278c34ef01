import CSodium
import Document
import Glibc
import Linux
import Model
import Plugins

/// The digest of a plugin's content: what a signature covers, and what `plugin verify` compares.
///
/// It is the SHA-512 of a text with a line for each regular file, sorted by path: the SHA-512 of its content, `x` or `-`
/// for executable or not, and the path. The line of `plugin.json` has the SHA-512 of its JSON with sorted keys and without
/// the member `integrity`, so that the manifest can state the digest and yet be covered by it.
struct Digest {
  /// The text.
  let listing: [UInt8]
  /// Its SHA-512.
  var sha512: [UInt8] { Self.sha512(listing) }

  /// Reads a plugin's folder.
  /// - Parameter hidden: whether with hidden entries at its top, which are not part of a plugin.
  init(of folder: String, hidden: Bool = true) throws(PluginError) {
    var text = "openstarry plugin 1\n"
    for file in try Tree.files(folder, hidden: hidden) {
      let path = "\(folder)/\(file.path)"
      let digest =
        file.path == PluginManifest.fileName ? Self.sha512(try Self.manifest(path)) : try Self.sha512(ofFile: path)
      text += "\(Hex.text(digest)) \(file.isExecutable ? "x" : "-") \(file.path)\n"
    }
    listing = Array(text.utf8)
  }

  /// A manifest without `integrity`, with sorted keys.
  private static func manifest(_ path: String) throws(PluginError) -> [UInt8] {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try Files.read(path, limit: PluginFolder.longestManifest) } catch {
      throw PluginError(error)
    }
    guard case .map(let fields)? = try? JSON.decode(bytes[...]) else {
      throw PluginError("\(PluginManifest.fileName) is not a JSON object")
    }
    return JSON.encode(sorted(.map(Fields(uniquePairs: fields.filter { $0.key != "integrity" }))))
  }

  private static func sorted(_ value: Value) -> Value {
    switch value {
    case .map(let fields):
      .map(
        Fields(
          uniquePairs: fields.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { ($0.key, sorted($0.value)) }))
    case .list(let values): .list(values.map(sorted))
    default: value
    }
  }

  /// The differences of two listings, one sentence each: changed, missing and new files.
  static func differences(from old: [UInt8], to new: [UInt8]) -> [String] {
    let (old, new) = (lines(old), lines(new))
    var found: [String] = []
    for (path, line) in old.sorted(by: { $0.key < $1.key }) {
      switch new[path] {
      case line: break
      case nil: found.append("'\(path)' is missing")
      default: found.append("'\(path)' has changed")
      }
    }
    return found + new.keys.filter { old[$0] == nil }.sorted().map { "'\($0)' is new" }
  }

  private static func lines(_ listing: [UInt8]) -> [String: Substring] {
    var lines: [String: Substring] = [:]
    for line in String(decoding: listing, as: UTF8.self).split(separator: "\n").dropFirst() {
      let parts = line.split(separator: " ", maxSplits: 2)
      if parts.count == 3 { lines[String(parts[2])] = line }
    }
    return lines
  }

  // MARK: Hashes, by libsodium

  static func sha512(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 64)
    // SAFETY: libsodium writes 64 bytes (crypto_hash_sha512_BYTES).
    _ = unsafe crypto_hash_sha512(&digest, bytes, UInt64(bytes.count))
    return digest
  }

  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    // SAFETY: libsodium writes 32 bytes (crypto_hash_sha256_BYTES).
    _ = unsafe crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
    return digest
  }

  private static func sha512(ofFile path: String) throws(PluginError) -> [UInt8] {
    var state = crypto_hash_sha512_state()
    // SAFETY: libsodium writes its own state, and 64 bytes at the end.
    _ = unsafe crypto_hash_sha512_init(&state)
    do {
      let file = try Files.open(path, O_RDONLY)
      var block: [UInt8] = []
      while let count = try System.read(file.number, into: &block), count > 0 {
        _ = unsafe crypto_hash_sha512_update(&state, block, UInt64(block.count))
        block.removeAll(keepingCapacity: true)
      }
    } catch {
      throw PluginError("\(path): \(error)")
    }
    var digest = [UInt8](repeating: 0, count: 64)
    _ = unsafe crypto_hash_sha512_final(&state, &digest)
    return digest
  }
}

/// Hexadecimal digits.
enum Hex {
  static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

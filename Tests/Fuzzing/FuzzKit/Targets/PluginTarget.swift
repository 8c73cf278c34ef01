import Glibc
import Linux
import PluginInstallation
import Plugins
import TestKit

/// What the unpacker of plugins writes, and the manifest in it: whatever it is, nothing leaves the staging folder, nothing in it
/// is anything but a file or a folder, and a refusal is a sentence.
package final class PluginTarget: FuzzTarget {
  package let name = "plugin"
  package let form = InputForm.bytes
  package let longest = 8192
  package let words = [
    "plugin.json", "../", "/", "./", "a", "A", "\\", "tables", #"{"name": "tables", "version": "1.0.0"}"#, "F", "D",
    "L", "H", "S",
    "E", "Z", "name", "version", "integrity", "ed25519-sha512", "dependencies", "criticality",
  ]
  private let folder: String

  /// - Parameter folder: for the staging folder.
  package init(folder: String) { self.folder = "\(folder)/plugins" }

  package func seeds() throws -> [[UInt8]] {
    let manifest =
      #"{"name": "tables", "version": "1.0.0", "dependencies": ["units@^1.2"], "criticality": "optional-degraded"}"#
    return [
      Self.folder("top/") + Self.file("top/plugin.json", manifest) + Self.file("top/a/b", "1") + Self.end,
      Self.file("plugin.json", manifest) + Self.file("run", "x", mode: 0o755) + Self.end,
      Self.file("../evil", "x") + Self.end, Self.header("L", "link", 0o120777) + Self.end,
      Self.header("E", "no archive", 0),
    ]
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard random.next() % 2 == 0 else { return nil }
    var stream: [UInt8] = []
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let parts = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        ["a", "A", "b", "..", ".", "", "plugin.json", "é", "\u{7}", "a\\b"].randomElement(using: &random) ?? ""
      }
      let mode = [0o644, 0o755, 0o4755, 0].randomElement(using: &random) ?? 0
      let path = parts.joined(separator: "/")
      switch random.next() % 4 {
      case 0: stream += Self.folder(path)
      case 1: stream += Self.header(["L", "H", "S"].randomElement(using: &random) ?? "L", path, UInt32(mode))
      default: stream += Self.file(path, String(repeating: "x", count: Int(random.next() % 300)), mode: UInt32(mode))
      }
    }
    return Array((stream + Self.end).prefix(longest))
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    TemporaryFolder.remove(folder)
    try Files.makeFolder(folder)
    try Files.replace("\(folder)/stream", with: input)
    let stream = try Files.open("\(folder)/stream", O_RDONLY)
    do throws(PluginError) {
      let staging = try StagingFolder(in: folder)
      try ArchiveSource.read(stream.number, archiveSize: input.count, to: staging)
      let root = try staging.root()
      seen.note("\(try PluginFolder.manifest(root).criticality)")
    } catch {
      for line in error.description.split(separator: "\n") {
        try MessageRules.check(String(line).printable, about: input)
      }
      seen.note(error.description)
    }
    // The staging folder is gone, and nothing came beside it.
    let left = try Files.names(in: folder)
    try require(left == ["stream"], "it left \(left)")
    let beside = try Files.names(in: Files.folder(of: folder))
    try require(!beside.contains("evil"), "it wrote beside the folder: \(beside)")
  }

  private static let end: [UInt8] = Array("Z".utf8)

  private static func header(_ kind: String, _ name: String, _ mode: UInt32) -> [UInt8] {
    let count = UInt16(name.utf8.count)
    return Array(kind.utf8) + (0..<4).map { UInt8(truncatingIfNeeded: mode >> ($0 * 8)) }
      + [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)] + Array(name.utf8)
  }

  private static func folder(_ name: String) -> [UInt8] { header("D", name, 0o755) }

  private static func file(_ name: String, _ text: String, mode: UInt32 = 0o644) -> [UInt8] {
    let count = UInt32(text.utf8.count)
    let length = (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    return header("F", name, mode) + (count == 0 ? [] : length + Array(text.utf8)) + [0, 0, 0, 0]
  }
}

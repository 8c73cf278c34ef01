import Linux
import MCP
import OpenStarryAgent

/// The files and folders that a mind may use: `fs_allow_paths` to read, and its own folder to write, too.
///
/// The sandbox shows little more than these; this is the wall before it. A path is made absolute and free of links,
/// compared with the places, and then opened below its place, where the kernel follows no link (openat2(2)).
struct FilePlaces {
  /// The folder that the mind may write to; nil without one.
  let data: String?
  /// How much that folder may have, in bytes; the launcher ends a mind whose folder has more. nil where nobody counts.
  private let limit: UInt64?
  /// All, without links.
  private let roots: [String]
  /// Where relative paths begin.
  private let work: String

  /// Nobody may grant these.
  private static let system = ["/dev", "/proc", "/sys"]
  /// The longest path in bytes.
  static let longest = 1024

  /// - Parameters:
  ///   - granted: as in the manifest, relative to its folder, in which the program starts.
  ///   - data: the folder that it may write to; nil for none.
  ///   - limit: how much that may have, in bytes; nil for no limit.
  init(_ granted: [String], data: String?, limit: UInt64? = nil) {
    self.limit = limit
    let folder = data.flatMap { try? Files.resolve($0) }
    work = (try? Files.resolve(".")) ?? "/"
    self.data = folder
    roots =
      granted.compactMap { try? Files.resolve($0) }.filter { path in
        path != "/" && !Self.system.contains { Files.contains($0, path) }
      } + (folder.map { [$0] } ?? [])
  }

  var isEmpty: Bool { roots.isEmpty }

  /// What the model is told.
  var description: String { DataText.block(.list(roots.prefix(16).map(Value.string))) }

  /// A file or folder below one of the places.
  struct Found {
    /// Its place.
    let root: String
    /// Its path from there; `.` for the place itself.
    let path: String
  }

  /// What a path is looked up for.
  enum Purpose {
    /// What is there, in any of the places.
    case reading
    /// A file or folder in the mind's own folder, which need not exist; its folder has to.
    case writing
    /// An entry of the mind's own folder: a link is the link, and not what it leads to.
    case removing
  }

  /// Looks up what a model has named.
  func find(_ path: String, for purpose: Purpose) throws(ToolFailure) -> Found {
    guard !path.isEmpty, path.utf8.count <= Self.longest, !path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw ToolFailure("'path' has to be a path of at most \(Self.longest) bytes, without control characters")
    }
    let writes = purpose != .reading
    let roots = writes ? data.map { [$0] } ?? [] : roots
    // Compared as it is written first, so that the answer tells nothing of what lies elsewhere.
    let plain = Self.normal(Files.join(begin(of: path, writes: writes), path))
    guard roots.contains(where: { Files.contains($0, plain) }) else { throw denied(path, roots) }
    let real: String
    do throws(SystemError) {
      if purpose == .removing || purpose == .writing && !Files.hasEntry(plain), let name = Files.name(of: plain) {
        real = Files.join(try Files.resolve(Files.folder(of: plain)), name)
      } else {
        real = try Files.resolve(plain)
      }
    } catch {
      throw ToolFailure("'\(path.bounded(200))': \(SystemError.text(error.errno))")
    }
    // A link may lead out.
    let found = roots.compactMap { root in Files.rest(of: real, in: root).map { Found(root: root, path: $0) } }
    // Of two places, one in the other, the inner one: it may be another file system, into which nothing is opened.
    guard let inner = found.max(by: { $0.root.utf8.count < $1.root.utf8.count }) else { throw denied(path, roots) }
    return inner.path.isEmpty ? Found(root: inner.root, path: ".") : inner
  }

  /// Where a relative path begins: in the mind's own folder for what it writes and what is there, otherwise in that of
  /// its manifest.
  private func begin(of path: String, writes: Bool) -> String {
    guard let data else { return work }
    return writes || Files.hasEntry(Self.normal(Files.join(data, path))) ? data : work
  }

  /// Sees to it that there is room in the mind's own folder.
  /// - Parameter bytes: what a file or folder is going to have.
  func makeSure(ofRoomFor bytes: Int) throws(ToolFailure) {
    guard let data, let limit else { return }
    let used: UInt64?
    do throws(SystemError) { used = try Beneath.size(of: data) } catch {
      throw ToolFailure("\(data): \(SystemError.text(error.errno))")
    }
    // Disks are given out in blocks.
    let needed = (UInt64(bytes) + 4095) / 4096 * 4096
    guard let used, used + needed <= limit else {
      throw ToolFailure(
        "there is no room: \(data) has \(used.map { "\($0)" } ?? "too many files") of \(limit) bytes in use, and this "
          + "needs \(needed); delete what is not needed with fs.delete first")
    }
  }

  private func denied(_ path: String, _ roots: [String]) -> ToolFailure {
    let places = roots.isEmpty ? "nothing" : roots.prefix(16).joined(separator: ", ")
    return ToolFailure("denied: '\(path.bounded(200))' is outside of what you may use here: \(places)")
  }

  /// An absolute path without `.`, `..` and empty components, as it is written.
  private static func normal(_ path: String) -> String {
    var parts: [Substring] = []
    for part in Files.parts(of: path) where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}

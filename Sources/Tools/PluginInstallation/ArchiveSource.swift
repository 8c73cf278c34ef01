import Companion
import Glibc
import Linux
import Model
import Plugins
import Unpack

/// A plugin as an archive, read by `openstarry-unpack`, which has no rights: it only reads the archive and writes to a pipe.
/// Nothing that it writes is believed: names and sizes are checked here.
package struct ArchiveSource {
  static let program = "openstarry-unpack"
  /// The most bytes for each byte of the archive, beyond the first MiB.
  static let mostRatio = 200
  /// The longest time without a byte from the unpacker, in milliseconds.
  private static let patience: Int32 = 30_000

  private let pipe: Int32
  private let most: Int
  private var buffer: [UInt8] = []
  private var place = 0

  /// Unpacks an archive.
  /// - Parameter unpacker: the path of the unpacker.
  static func unpack(_ archive: String, to staging: StagingFolder, by unpacker: String) throws(PluginError) {
    do {
      let file = try Files.open(archive, O_RDONLY)
      let size = Int(clamping: try FileStatus(of: file.number).size)
      let pipe = try System.pipe(size: 65_536)
      let reading = Descriptor(owning: pipe.reading)
      let child: Int32
      do {
        let writing = Descriptor(owning: pipe.writing)
        var plan = SpawnPlan(unpacker, [program], environment: ["PATH=/usr/bin:/bin"])
        plan.input = .descriptor(file.number)
        plan.output = .descriptor(writing.number)
        plan.limits = [.data: 256 << 20, .core: 0, .fileSize: 0, .descriptors: 16]
        plan.defaultSignals = [SIGPIPE, SIGINT]
        child = try Spawn.start(plan)
      }
      defer {
        kill(child, SIGKILL)
        _ = try? Spawn.wait(for: child)
      }
      try read(reading.number, archiveSize: size, to: staging)
    } catch let error as PluginError {
      throw PluginError("\(archive): \(error)", error.kind)
    } catch {
      throw PluginError("\(error)")
    }
  }

  /// Reads what the unpacker writes.
  /// - Parameters:
  ///   - pipe: a descriptor to read from; it stays the caller's.
  ///   - archiveSize: of the archive in bytes.
  /// - Throws: why the archive is refused.
  package static func read(_ pipe: Int32, archiveSize: Int, to staging: StagingFolder) throws(PluginError) {
    var source = ArchiveSource(pipe: pipe, most: (1 << 20) + archiveSize * mostRatio)
    try source.read(to: staging)
  }

  private init(pipe: Int32, most: Int) { (self.pipe, self.most) = (pipe, most) }

  private mutating func read(to staging: StagingFolder) throws(PluginError) {
    while true {
      let kind = try bytes(1)[0]
      if kind == EntryKind.end { return }
      let mode = try integer(4)
      let name = try bytes(try integer(2))
      let shown = String(decoding: name, as: UTF8.self)
      switch kind {
      case EntryKind.folder: try staging.addFolder(name, mode: UInt32(mode) & 0o7777)
      case EntryKind.file:
        try staging.addFile(name, mode: UInt32(mode) & 0o7777) { () throws(PluginError) in
          let count = try integer(4)
          if count == Int(EntryKind.noMoreBlocks) { throw try failure() }
          guard count <= 65_536 else { throw Self.broken }
          guard staging.size + count <= most else {
            throw EntryNames.refuse(
              shown, "the archive unpacks to more than \(Self.mostRatio) times its size: it may be a bomb")
          }
          return try bytes(count)
        }
      case EntryKind.symbolicLink: throw EntryNames.refuse(shown, "it is a symbolic link")
      case EntryKind.hardLink: throw EntryNames.refuse(shown, "it is a hard link")
      case EntryKind.special: throw EntryNames.refuse(shown, "it is a device, a pipe or a socket")
      case EntryKind.failure: throw Self.unreadable(shown)
      default: throw Self.broken
      }
    }
  }

  private static let broken = unreadable("\(program) ended")

  /// - Parameter why: the unpacker's words, which nothing guarantees.
  private static func unreadable(_ why: String) -> PluginError {
    PluginError("the archive is damaged, or no archive that can be read: '\(EntryNames.quoted(why))'")
  }

  /// The failure that ends a file.
  private mutating func failure() throws(PluginError) -> PluginError {
    guard try bytes(1)[0] == EntryKind.failure else { return Self.broken }
    _ = try integer(4)
    return Self.unreadable(String(decoding: try bytes(try integer(2)), as: UTF8.self))
  }

  private mutating func integer(_ count: Int) throws(PluginError) -> Int {
    try bytes(count).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// The next bytes of the pipe.
  private mutating func bytes(_ count: Int) throws(PluginError) -> [UInt8] {
    while buffer.count - place < count {
      if place > 0 {
        buffer.removeFirst(place)
        place = 0
      }
      var waiting = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      // SAFETY: one structure.
      let ready = System.retry { unsafe poll(&waiting, 1, Self.patience) }
      guard ready > 0 else { throw Self.broken }
      let before = buffer.count
      do throws(SystemError) { _ = try System.read(pipe, into: &buffer) } catch { throw PluginError(error) }
      guard buffer.count > before else { throw Self.broken }
    }
    defer { place += count }
    return Array(buffer[place..<place + count])
  }
}

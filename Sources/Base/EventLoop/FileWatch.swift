import CLinux
import Linux

extension EventLoop {
  /// Calls `handler` whenever the file or link at `path` is written, created, replaced or removed (inotify(7)).
  ///
  /// Watches the folder, so that a replacement of the file is noticed. Changes of other files in the folder wake the
  /// loop but do not call `handler`.
  /// - Throws: ENOENT when the folder does not exist, ENOSPC when the user has no inotify watches left.
  package func watchFile(_ path: String, _ handler: @escaping () -> Void) throws(SystemError) {
    let folder = Files.folder(of: path)
    let name = Array(path.utf8.split(separator: UInt8(ascii: "/")).last ?? [])
    let notes = try Descriptor(checking: inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)), "inotify_init1")
    let mask = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM
    // SAFETY: the path is a NUL-terminated string during the call.
    let added = unsafe folder.withCString { unsafe inotify_add_watch(notes.number, $0, UInt32(mask)) }
    guard added >= 0 else { throw SystemError("inotify_add_watch", folder) }
    let source = OpenSource(notes)
    try watch(source.descriptor.number, for: .readable) { _ in
      var bytes: [UInt8] = []
      // 4096 bytes hold at least one event (inotify(7): at most 16 + NAME_MAX + 1).
      while let count = try? System.read(source.descriptor.number, into: &bytes, limit: 4096), count > 0 {}
      if FileNotes(bytes).names(name) { handler() }
    }
  }
}

/// A buffer of inotify(7): one `struct inotify_event` after the other.
struct FileNotes {
  /// wd, mask, cookie and len, four bytes each; the name follows, padded with zeros.
  private static let head = 16
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether an event names the file `name`, or the kernel's queue overflowed and events were lost.
  func names(_ name: [UInt8]) -> Bool {
    var at = 0
    while at + Self.head <= bytes.count {
      let length = Int(word(at + 12))
      let file = bytes[min(at + Self.head, bytes.count)..<min(at + Self.head + length, bytes.count)].prefix { $0 != 0 }
      if file.elementsEqual(name) || word(at + 4) & UInt32(IN_Q_OVERFLOW) != 0 { return true }
      at += Self.head + length
    }
    return false
  }

  private func word(_ at: Int) -> UInt32 {
    bytes[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

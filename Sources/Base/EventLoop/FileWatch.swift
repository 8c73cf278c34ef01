import CLinux
import Linux

extension EventLoop {
  /// Calls `handler` whenever the file or symbolic link at `path` was written, made, replaced or removed (inotify(7)).
  ///
  /// Its folder is watched, so that a file that takes its place is seen; what happens to others in there wakes the loop
  /// and does nothing.
  /// - Throws: when the folder is not there, or the user has no watches left (ENOSPC).
  public func watchFile(_ path: String, _ handler: @escaping () -> Void) throws(SystemError) {
    let folder = Files.folder(of: path)
    let name = Array(path.utf8.split(separator: UInt8(ascii: "/")).last ?? [])
    let notes = try Descriptor(checking: inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)), "inotify_init1")
    let mask = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM
    // SAFETY: the path is a text that ends with 0 during the call.
    let added = unsafe folder.withCString { unsafe inotify_add_watch(notes.number, $0, UInt32(mask)) }
    guard added >= 0 else { throw SystemError("inotify_add_watch", folder) }
    let source = OpenSource(notes)
    try watch(source.descriptor.number, for: .readable) { _ in
      var bytes: [UInt8] = []
      // One event is shorter than that (inotify(7)).
      while let count = try? System.read(source.descriptor.number, into: &bytes, limit: 4096), count > 0 {}
      if FileNotes(bytes).names(name) { handler() }
    }
  }
}

/// What inotify(7) reported: `struct inotify_event`, one after the other.
struct FileNotes {
  /// wd, mask, cookie and len, four bytes each; then the name, filled up with zeros.
  private static let head = 16
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether one of them is about the file `name`, or some were lost.
  func names(_ name: [UInt8]) -> Bool {
    var at = 0
    while at + Self.head <= bytes.count {
      let length = Int(word(at + 12))
      let told = bytes[min(at + Self.head, bytes.count)..<min(at + Self.head + length, bytes.count)].prefix { $0 != 0 }
      if told.elementsEqual(name) || word(at + 4) & UInt32(IN_Q_OVERFLOW) != 0 { return true }
      at += Self.head + length
    }
    return false
  }

  private func word(_ at: Int) -> UInt32 {
    bytes[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

import CArchive
import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Unpack
#endif

/// Reads an archive with libarchive: tar, plain or compressed by gzip, zstd, xz or bzip2, and zip.
enum Unpacker {
  /// Whether a file's blocks are being written.
  nonisolated(unsafe) private static var isInFile = false

  /// Runs until the archive ends. Exits with 0 if the whole archive was read.
  static func main() -> Never {
    // Names in archives are UTF-8 or unmarked bytes; without such a locale libarchive does not return them.
    _ = unsafe setlocale(LC_CTYPE, "C.UTF-8")
    guard let archive = unsafe archive_read_new() else { fail("no memory") }
    unsafe archive_read_support_format_tar(archive)
    unsafe archive_read_support_format_zip(archive)
    unsafe archive_read_support_filter_gzip(archive)
    unsafe archive_read_support_filter_zstd(archive)
    unsafe archive_read_support_filter_xz(archive)
    unsafe archive_read_support_filter_bzip2(archive)
    guard openstarry_confine_to_computing() == 0 else { fail("the unpacker cannot be confined") }
    guard unsafe archive_read_open_fd(archive, 0, 65_536) == ARCHIVE_OK else { unsafe fail(archive) }
    while true {
      var entry: OpaquePointer?
      let result = unsafe archive_read_next_header(archive, &entry)
      if result == ARCHIVE_EOF { break }
      guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry = unsafe entry else { unsafe fail(archive) }
      unsafe copy(archive, entry)
    }
    write([EntryKind.end])
    exit(0)
  }

  private static func copy(_ archive: OpaquePointer, _ entry: OpaquePointer) {
    let kind = unsafe kind(of: entry)
    var header = ByteWriter()
    header.byte(kind)
    header.integer(UInt32(truncatingIfNeeded: unsafe archive_entry_mode(entry)))
    header.longText(unsafe name(of: entry))
    write(header.bytes)
    guard kind == EntryKind.file else { return }
    unsafe isInFile = true
    if unsafe archive_entry_is_data_encrypted(entry) != 0 { fail("the archive is encrypted") }
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      // SAFETY: libarchive writes at most the buffer's size.
      let count = unsafe block.withUnsafeMutableBytes {
        unsafe archive_read_data(archive, $0.baseAddress, $0.count)
      }
      guard count >= 0 else { unsafe fail(archive) }
      var length = ByteWriter()
      length.integer(UInt32(count))
      write(length.bytes)
      if count == 0 { break }
      write(block[..<count])
    }
    unsafe isInFile = false
  }

  private static func kind(of entry: OpaquePointer) -> UInt8 {
    if unsafe archive_entry_hardlink(entry) != nil { return EntryKind.hardLink }
    switch UInt32(unsafe archive_entry_filetype(entry)) & 0o170000 {
    case 0o100000: return EntryKind.file
    case 0o040000: return EntryKind.folder
    case 0o120000: return EntryKind.symbolicLink
    default: return EntryKind.special
    }
  }

  /// The name as UTF-8, or else the bytes that the archive has; empty if it has none.
  private static func name(of entry: OpaquePointer) -> [UInt8] {
    guard var text = unsafe archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry) else { return [] }
    var bytes: [UInt8] = []
    // SAFETY: a C string that is valid as long as the entry.
    while unsafe text.pointee != 0 {
      bytes.append(UInt8(bitPattern: unsafe text.pointee))
      unsafe text += 1
    }
    return bytes
  }

  private static func write(_ bytes: some Collection<UInt8>) {
    var rest = Array(bytes)
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe CLinux.write(1, $0.baseAddress, $0.count) }
      // The parent has read enough.
      guard count > 0 else { exit(1) }
      rest.removeFirst(count)
    }
  }

  private static func fail(_ archive: OpaquePointer) -> Never {
    var text: [UInt8] = []
    if var message = unsafe archive_error_string(archive) {
      // SAFETY: a C string that is valid until the next call.
      while unsafe message.pointee != 0, text.count < 200 {
        text.append(UInt8(bitPattern: unsafe message.pointee))
        unsafe message += 1
      }
    }
    fail(text)
  }

  private static func fail(_ text: StaticString) -> Never { fail([UInt8](text)) }

  private static func fail(_ text: [UInt8]) -> Never {
    var message = ByteWriter()
    if unsafe isInFile { message.integer(EntryKind.noMoreBlocks) }
    message.byte(EntryKind.failure)
    message.integer(UInt32(0))
    message.longText(text)
    write(message.bytes)
    exit(1)
  }
}

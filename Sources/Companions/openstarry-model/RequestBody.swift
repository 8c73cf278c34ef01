import CLinux
import LanguageModel

/// The body of a request: the daemon's file in memory, mapped, so that nobody copies it.
@safe struct RequestBody: ~Copyable {
  /// Where it is.
  let start: UnsafeMutableRawPointer
  /// Its bytes.
  let count: Int

  /// The longest body, in bytes.
  static let longest = 64 << 20

  /// - Parameter descriptor: a memfd that cannot shrink, or a read beyond its end would end this process; closed here.
  init(closing descriptor: Int32) throws(LanguageModelFailure) {
    defer { if descriptor >= 0 { close(descriptor) } }
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0, status.st_size > 0, status.st_size <= Self.longest,
      Self.isSealed(descriptor),
      // SAFETY: a new mapping, which nothing else uses; the result is checked.
      let start = unsafe mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0),
      // MAP_FAILED.
      Int(bitPattern: start) != -1
    else { throw LanguageModelFailure(.invalid, wasSent: false, "the body of the request is missing") }
    unsafe self.start = unsafe start
    count = Int(status.st_size)
  }

  /// Whether it cannot shrink. A file that is no memfd has no seals at all: the call fails.
  private static func isSealed(_ descriptor: Int32) -> Bool {
    let seals = openstarry_fcntl(descriptor, 1034 /* F_GET_SEALS */, 0)
    return seals >= 0 && seals & 0x2 /* F_SEAL_SHRINK */ != 0
  }

  deinit {
    // SAFETY: the mapping is this value's, and ends with it.
    _ = unsafe munmap(start, count)
  }
}

import CLinux
import Glibc

/// System calls: each is wrapped once, repeated on EINTR, and throws its name, object and errno.
package enum System {
  /// open(2), always close-on-exec.
  /// - Parameters:
  ///   - flags: O_RDONLY and so on.
  ///   - mode: the permission bits of a new file, less the umask.
  package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> Descriptor {
    let result = retry { unsafe path.withCString { unsafe openstarry_open($0, flags | O_CLOEXEC, mode) } }
    return try Descriptor(checking: result, "open", path)
  }

  /// Appends at most `limit` bytes to `buffer` (read(2)).
  /// - Returns: the number of bytes read; 0 at the end of the file; nil when none are available yet (EAGAIN).
  package static func read(
    _ descriptor: Int32, into buffer: inout [UInt8], limit: Int = 65536
  ) throws(SystemError) -> Int? {
    var (result, error) = (0, Int32(0))
    // Uninitialized, so that only the pages that the kernel fills are touched: most files are far below the limit.
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: limit) { bytes, count in
      // SAFETY: the buffer has room for `limit` bytes, and `count` is the number that the kernel has written.
      result = retry { unsafe CLinux.read(descriptor, bytes.baseAddress, limit) }
      error = errno
      count = max(0, result)
    }
    buffer += piece
    if result < 0 {
      if error == EAGAIN || error == EWOULDBLOCK { return nil }
      throw SystemError("read", errno: error)
    }
    return result
  }

  /// Writes as much of `bytes` as the receiver accepts (write(2)).
  /// - Returns: the number of bytes written; 0 when it accepts none now (EAGAIN).
  package static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    // SAFETY: the buffer is valid for its count during the call.
    let result = retry { unsafe bytes.withUnsafeBytes { unsafe CLinux.write(descriptor, $0.baseAddress, $0.count) } }
    if result < 0 {
      if errno == EAGAIN || errno == EWOULDBLOCK { return 0 }
      throw SystemError("write")
    }
    return result
  }

  /// Writes all of `bytes` to a blocking descriptor.
  /// - Throws: EAGAIN when the descriptor does not block and is full; part may be written then.
  package static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = try write(descriptor, rest)
      if written == 0 { throw SystemError("write", errno: EAGAIN) }
      rest = rest.dropFirst(written)
    }
  }

  /// Writes all of `bytes` at `offset`, in bytes from the file's start (pwrite(2)).
  package static func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      // SAFETY: the buffer is valid for its count during the call, and `done` is below that.
      let result = retry {
        unsafe bytes.withUnsafeBytes {
          unsafe pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, offset + done)
        }
      }
      guard result > 0 else { throw SystemError("write") }
      done += result
    }
  }

  /// Adds permission bits to the umask(2), which new files and folders do not get.
  package static func restrictNewFiles(_ bits: UInt32) {
    let before = umask(0o777)
    _ = umask(before | bits)
  }

  /// Flushes all output streams of the C library (fflush(3)).
  package static func flushOutput() { fflush(nil) }

  /// Whether a write would not block (poll(2)); also true for a broken descriptor, where it fails at once.
  package static func isWritable(_ descriptor: Int32) -> Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    return unsafe poll(&watched, 1, 0) != 0
  }

  /// Sets O_NONBLOCK (fcntl(2) F_SETFL).
  package static func setNonBlocking(_ descriptor: Int32) throws(SystemError) {
    let flags = openstarry_fcntl(descriptor, F_GETFL, 0)
    guard flags >= 0, openstarry_fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) >= 0 else {
      throw SystemError("fcntl")
    }
  }

  /// Whether a descriptor is open (fcntl(2) F_GETFD).
  package static func isOpen(_ descriptor: Int32) -> Bool { openstarry_fcntl(descriptor, F_GETFD, 0) >= 0 }

  /// The random id that the kernel has given this boot: /proc/sys/kernel/random/boot_id (random(4)).
  /// - Returns: 36 characters; empty when it cannot be read.
  package static func bootID() -> String {
    guard let bytes = try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64) else { return "" }
    return String(decoding: bytes.prefix { $0 > 32 }, as: UTF8.self)
  }

  /// The monotonic clock in nanoseconds (clock_gettime(2) CLOCK_MONOTONIC).
  package static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

  /// The CPU time of the calling thread in nanoseconds (clock_gettime(2) CLOCK_THREAD_CPUTIME_ID).
  package static func threadNanoseconds() -> UInt64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

  /// The CPU time of this process and its reaped children in nanoseconds (getrusage(2)).
  package static func processNanoseconds() -> UInt64 {
    // RUSAGE_SELF and RUSAGE_CHILDREN of sys/resource.h.
    [Int32(0), -1].reduce(0) { sum, who in
      var usage = rusage()
      // SAFETY: the kernel fills in the structure.
      _ = unsafe getrusage(who, &usage)
      let seconds = UInt64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      return sum + seconds * 1_000_000_000 + UInt64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000
    }
  }

  /// The wall clock in milliseconds since 1970 (clock_gettime(2) CLOCK_REALTIME).
  package static func wallMilliseconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }

  /// Whether the system clock is synchronised now (adjtimex(2): neither TIME_ERROR nor STA_UNSYNC). Where that call is
  /// forbidden, whether it was synchronised since the boot.
  package static func wallIsSynchronised() -> Bool {
    var state = timex()
    // SAFETY: the kernel fills in the structure; modes 0 changes nothing.
    let result = unsafe adjtimex(&state)
    guard result >= 0 else { return wallWasSynchronised() }
    return result != TIME_ERROR && state.status & STA_UNSYNC == 0
  }

  /// Whether systemd-timesyncd has synchronised the system clock since the boot (systemd-timesyncd.service(8)).
  package static func wallWasSynchronised() -> Bool { Files.exists("/run/systemd/timesync/synchronized") }

  /// Repeats `call` while it fails with EINTR.
  /// - Returns: the result of the last call; -1 for any other error, with errno set.
  package static func retry<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result != -1 || errno != EINTR { return result }
    }
  }

  private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    // SAFETY: the kernel fills in the structure; these clocks always exist.
    _ = unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

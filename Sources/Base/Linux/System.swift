import CLinux
import Glibc

/// System calls, each once: interrupted ones are repeated, failures are thrown with what they were about.
public enum System {
  /// open(2), close-on-exec always.
  /// - Parameters:
  ///   - flags: O_RDONLY and so on.
  ///   - mode: of a file that is created.
  public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> Descriptor {
    let result = retry { unsafe path.withCString { unsafe openstarry_open($0, flags | O_CLOEXEC, mode) } }
    return try Descriptor(checking: result, "open", path)
  }

  /// read(2) into the end of `buffer`, at most `limit` bytes.
  /// - Returns: how many were read; 0 at the end of the file; nil when none are there yet (EAGAIN).
  public static func read(
    _ descriptor: Int32, into buffer: inout [UInt8], limit: Int = 65536
  ) throws(SystemError) -> Int? {
    var (result, error) = (0, Int32(0))
    // Nothing is touched that the kernel does not fill: most files are shorter than the limit by far.
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: limit) { bytes, count in
      // SAFETY: there is room for `limit` bytes, and as many count as the kernel has written.
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

  /// write(2) of as much of `bytes` as the other side takes.
  /// - Returns: how many were taken; 0 when it takes none now (EAGAIN).
  public static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    // SAFETY: the buffer is valid for its count during the call.
    let result = retry { unsafe bytes.withUnsafeBytes { unsafe CLinux.write(descriptor, $0.baseAddress, $0.count) } }
    if result < 0 {
      if errno == EAGAIN || errno == EWOULDBLOCK { return 0 }
      throw SystemError("write")
    }
    return result
  }

  /// Writes all of `bytes` to a descriptor that blocks.
  public static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = try write(descriptor, rest)
      if written == 0 { throw SystemError("write", errno: EAGAIN) }
      rest = rest.dropFirst(written)
    }
  }

  /// pwrite(2) of all of `bytes` to a file, `offset` bytes from its beginning.
  public static func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int) throws(SystemError) {
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

  /// Adds bits to the umask(2): permissions that new files and folders do not get, whatever mode is asked for.
  public static func restrictNewFiles(_ bits: UInt32) {
    let before = umask(0o777)
    _ = umask(before | bits)
  }

  /// fflush(3) of everything that was printed.
  public static func flushOutput() { fflush(nil) }

  /// Whether something can be written without waiting (poll(2)); true for what is broken, as a write then fails at once.
  public static func isWritable(_ descriptor: Int32) -> Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    return unsafe poll(&watched, 1, 0) != 0
  }

  /// fcntl(2) F_SETFL with O_NONBLOCK.
  public static func setNonBlocking(_ descriptor: Int32) throws(SystemError) {
    let flags = openstarry_fcntl(descriptor, F_GETFL, 0)
    guard flags >= 0, openstarry_fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) >= 0 else {
      throw SystemError("fcntl")
    }
  }

  /// Whether a descriptor is open (fcntl(2) F_GETFD).
  public static func isOpen(_ descriptor: Int32) -> Bool { openstarry_fcntl(descriptor, F_GETFD, 0) >= 0 }

  /// clock_gettime(2) CLOCK_MONOTONIC, in nanoseconds.
  public static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

  /// clock_gettime(2) CLOCK_THREAD_CPUTIME_ID: how long the calling thread has computed, in nanoseconds.
  public static func threadNanoseconds() -> UInt64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

  /// getrusage(2): how long this process, and its children that have ended and were waited for, have computed, in
  /// nanoseconds.
  public static func processNanoseconds() -> UInt64 {
    // RUSAGE_SELF and RUSAGE_CHILDREN of sys/resource.h.
    [Int32(0), -1].reduce(0) { sum, who in
      var usage = rusage()
      // SAFETY: the kernel fills in the structure.
      _ = unsafe getrusage(who, &usage)
      let seconds = UInt64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      return sum + seconds * 1_000_000_000 + UInt64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000
    }
  }

  /// clock_gettime(2) CLOCK_REALTIME, in milliseconds since 1970.
  public static func wallMilliseconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }

  /// Whether the kernel says that the system clock is synchronised (adjtimex(2): TIME_ERROR and STA_UNSYNC); where it
  /// may not be asked, whether the clock was synchronised since the boot.
  public static func wallIsSynchronised() -> Bool {
    var state = timex()
    // SAFETY: the kernel fills in the structure; modes 0 changes nothing.
    let result = unsafe adjtimex(&state)
    guard result >= 0 else { return wallWasSynchronised() }
    return result != TIME_ERROR && state.status & STA_UNSYNC == 0
  }

  /// Whether systemd-timesyncd has synchronised the system clock since the boot (systemd-timesyncd.service(8)).
  public static func wallWasSynchronised() -> Bool { Files.exists("/run/systemd/timesync/synchronized") }

  /// Calls until it is not interrupted by a signal.
  public static func retry<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
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

import CLinux
import Glibc

extension System {
  /// A pipe (pipe(7)), close-on-exec, with a blocking writing end. The descriptors are the caller's to close.
  /// - Parameters:
  ///   - size: of its buffer in bytes; at least a page. The kernel rounds it up.
  ///   - isReadingBlocking: whether the reading end blocks, as a program expects of its standard input.
  package static func pipe(
    size: Int32 = 16_384, isReadingBlocking: Bool = false
  ) throws(SystemError) -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the kernel writes two descriptors.
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe") }
    if !isReadingBlocking { _ = openstarry_fcntl(ends[0], F_SETFL, O_NONBLOCK) }
    // F_SETPIPE_SZ of linux/fcntl.h. A failure leaves the kernel's default of 64 KiB.
    _ = openstarry_fcntl(ends[1], 1031, size)
    return (ends[0], ends[1])
  }
}

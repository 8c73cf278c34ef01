import CLinux
import Glibc
import Linux
import TestKit

/// A bus whose transfers last as long as the test wants: a preloaded library that intercepts I²C calls of ioctl(2).
final class SlowBus {
  private let folder: TemporaryFolder
  private let begun: Descriptor
  private let ends: Descriptor

  /// The environment for the process under test.
  var environment: [String] { ["LD_PRELOAD=\(Self.library ?? "")", "SLOW_BUS=\(folder.path)"] }

  init() throws {
    folder = try TemporaryFolder()
    for name in ["begun", "ends"] {
      guard unsafe "\(folder.path)/\(name)".withCString({ unsafe mkfifo($0, 0o600) }) == 0 else {
        throw SystemError("mkfifo", name)
      }
    }
    begun = try System.open("\(folder.path)/begun", O_RDWR)
    ends = try System.open("\(folder.path)/ends", O_RDWR)
  }

  /// Waits for the beginning of a transfer.
  /// - Returns: the minor number of the device that it goes to.
  func transfer() throws -> UInt8 {
    var byte: [UInt8] = []
    var watched = pollfd(fd: begun.number, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    guard unsafe poll(&watched, 1, 20_000) > 0 else { throw SystemError("wait for", "a transfer", errno: ETIMEDOUT) }
    _ = try System.read(begun.number, into: &byte, limit: 1)
    return byte[0]
  }

  /// Ends the current transfer: successfully, or with ETIMEDOUT as on a hanging bus.
  func end(well: Bool = false) throws { try System.writeAll(ends.number, [well ? 0x79 : 0x6E]) }

  /// Lets all further transfers succeed.
  func heal() throws { try System.writeAll(ends.number, [UInt8](repeating: 0x79, count: 1000)) }

  /// The path of the library; nil without a C compiler.
  static let library = try? build()
  private static let place = try? TemporaryFolder()

  private static func build() throws -> String? {
    guard let place else { return nil }
    try place.write("bus.c", source)
    let words = ["-shared", "-fPIC", "-o", "\(place.path)/bus.so", "\(place.path)/bus.c"]
    for compiler in ["cc", "clang"] {
      if try Spawn.wait(for: Spawn.start("/usr/bin/env", ["env", compiler] + words)) == 0 {
        return "\(place.path)/bus.so"
      }
    }
    return nil
  }

  private static let source = """
    #define _GNU_SOURCE
    #include <errno.h>
    #include <fcntl.h>
    #include <linux/i2c-dev.h>
    #include <stdarg.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <sys/sysmacros.h>
    #include <unistd.h>

    static int at(const char *name, int flags) {
      char path[300];
      snprintf(path, sizeof path, "%s/%s", getenv("SLOW_BUS"), name);
      return open(path, flags | O_CLOEXEC);
    }
    int ioctl(int fd, unsigned long request, ...) {
      va_list list;
      va_start(list, request);
      void *argument = va_arg(list, void *);
      va_end(list);
      if (request == I2C_SLAVE) return 0;
      if (request != I2C_SMBUS) return (int)syscall(SYS_ioctl, fd, request, argument);
      struct stat status;
      fstat(fd, &status);
      char word = (char)minor(status.st_rdev);
      int begun = at("begun", O_WRONLY), ends = at("ends", O_RDONLY);
      if (write(begun, &word, 1) != 1 || read(ends, &word, 1) != 1) word = 'n';
      close(begun);
      close(ends);
      errno = ETIMEDOUT;
      return word == 'y' ? 0 : -1;
    }
    """
}

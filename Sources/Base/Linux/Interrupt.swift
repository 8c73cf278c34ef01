import Glibc

/// Signal handling for command line programs.
package enum Interrupt {
  /// Makes SIGINT and SIGTERM end the process at once with exit code 0 (signal(2), _exit(2)), for programs that run
  /// until they are interrupted.
  package static func endsCleanly() {
    // _exit is async-signal-safe (signal-safety(7)); the handler touches nothing else.
    for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(0) } }
  }

  /// Makes a write to a closed pipe fail with EPIPE instead of ending the process.
  package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

extension SystemError {
  /// Whether the reader has closed the pipe or socket (EPIPE).
  package var isBrokenPipe: Bool { errno == EPIPE }

  /// Whether the file does not exist (ENOENT, ENOTDIR).
  package var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
}

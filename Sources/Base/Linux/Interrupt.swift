import Glibc

/// Signal handling for command line programs.
public enum Interrupt {
  /// Makes SIGINT and SIGTERM end the process at once with exit code 0 (signal(2), _exit(2)), for programs that run
  /// until they are interrupted.
  public static func endsCleanly() {
    // _exit is async-signal-safe (signal-safety(7)); the handler touches nothing else.
    for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(0) } }
  }

  /// Makes a write to a closed pipe fail with EPIPE instead of ending the process.
  public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

extension SystemError {
  /// Whether the reader has closed the pipe or socket (EPIPE).
  public var isBrokenPipe: Bool { errno == EPIPE }

  /// Whether the file does not exist (ENOENT, ENOTDIR).
  public var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
}

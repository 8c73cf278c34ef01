import Glibc

/// How a program that is no daemon reacts to signals.
public enum Interrupt {
  /// From now on SIGINT and SIGTERM end the process at once with exit code 0 (signal(2), _exit(2)): for programs that
  /// show something until they are told to stop.
  public static func endsCleanly() {
    // _exit is async-signal-safe (signal-safety(7)); the handler touches nothing else.
    for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(0) } }
  }

  /// From now on a write to a closed pipe fails with EPIPE instead of ending the process.
  public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

extension SystemError {
  /// Whether nobody reads any more (EPIPE).
  public var isBrokenPipe: Bool { errno == EPIPE }

  /// Whether there is no such file (ENOENT, ENOTDIR).
  public var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
}

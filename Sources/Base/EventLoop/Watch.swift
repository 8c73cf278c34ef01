import CLinux

/// The operations that a watched descriptor is ready for.
public struct Readiness: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Data can be read, or the peer has closed (EPOLLIN).
  public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  /// Data can be written (EPOLLOUT).
  public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// There is an exceptional condition, e.g. a changed sysfs attribute or a V4L2 event (EPOLLPRI).
  public static let priority = Readiness(rawValue: EPOLLPRI.rawValue)
  /// The peer has hung up (EPOLLHUP); always reported.
  public static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
  /// An error is pending (EPOLLERR); always reported.
  public static let error = Readiness(rawValue: EPOLLERR.rawValue)
}

/// Identifies a watch until `EventLoop.unwatch`.
public struct WatchID: Hashable, Sendable {
  let token: UInt64
}

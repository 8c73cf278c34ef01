import CLinux

/// The operations that a watched descriptor is ready for.
package struct Readiness: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Data can be read, or the peer has closed (EPOLLIN).
  package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  /// Data can be written (EPOLLOUT).
  package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// There is an exceptional condition, e.g. a changed sysfs attribute or a V4L2 event (EPOLLPRI).
  package static let priority = Readiness(rawValue: EPOLLPRI.rawValue)
  /// The peer has hung up (EPOLLHUP); always reported.
  package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
  /// An error is pending (EPOLLERR); always reported.
  package static let error = Readiness(rawValue: EPOLLERR.rawValue)
}

/// Identifies a watch until `EventLoop.unwatch`.
package struct WatchID: Hashable, Sendable {
  let token: UInt64
}

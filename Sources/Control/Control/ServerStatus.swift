import Model

/// The server's own part of `daemon.status`.
final class ServerStatus {
  let socket: String
  let started: Instant
  /// The number of open connections.
  var connections = 0
  /// The number of received messages.
  var requests: UInt64 = 0
  /// The number of notifications dropped because of slow clients.
  var missed: UInt64 = 0

  init(socket: String, started: Instant) {
    self.socket = socket
    self.started = started
  }
}

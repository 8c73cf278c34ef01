import Model

/// What the server knows of itself.
final class ServerStatus {
  let socket: String
  let started: Instant
  /// How many clients are connected.
  var connections = 0
  /// How many messages came.
  var requests: UInt64 = 0
  /// How many notifications were dropped because clients were slow.
  var missed: UInt64 = 0

  init(socket: String, started: Instant) {
    self.socket = socket
    self.started = started
  }
}

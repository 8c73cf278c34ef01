import Model
import Wire

/// What one client, or all of them together, may use. `docs/control.md` states these.
struct Limits {
  /// Connections in all.
  var connections = 32
  /// Connections of one user other than root and the daemon's own.
  var connectionsOfUser = 16
  /// Requests a second for each connection, and at once.
  var requests = 100
  /// Requests of a connection that are being worked on.
  var requestsUnderWay = 16
  /// Subscriptions of a connection.
  var subscriptions = 16
  /// Bytes that wait for a client before notifications are dropped and nothing more is read from it.
  var waiting = 256 << 10
  /// Descriptors a client has not taken yet.
  var files = 4
  /// A line, in bytes.
  var line = LineFramer.limit
  /// Incomplete lines of all clients together, in bytes.
  var incomplete = 8 << 20
  /// How long a line may take to arrive.
  var lineTime = Duration.seconds(30)
}

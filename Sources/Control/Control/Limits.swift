import Model
import RPC

/// The limits of a connection, of a user, and of all clients together, as stated in `docs/control.md`.
struct Limits {
  /// Connections of all clients without role admin.
  var connections = 32
  /// Connections of all clients with role admin. Counted apart, so that neither kind can lock out the other.
  var connectionsOfAdmins = 16
  /// Connections of one user other than root and the daemon's own.
  var connectionsOfUser = 8
  /// Additional connections that may only send an emergency stop.
  var reserve = 8
  /// Reserved connections of one user; one more replaces the user's oldest.
  var reserveOfUser = 4
  /// The time in which a reserved connection must send its request.
  var reserveTime = Duration.seconds(5)
  /// Descriptors reserved from ordinary connections.
  var descriptors = 16
  /// The time after which a connection without pending requests, subscriptions and leases is closed.
  var idleTime = Duration.seconds(120)
  /// Requests of one user: the rate per second, and the burst.
  var requests = 100
  /// Texts of rules that one user may have checked, which takes longer than other requests: a second, and at once.
  var checks = 2
  /// Pending requests of a connection.
  var requestsUnderWay = 16
  /// Subscriptions of a connection.
  var subscriptions = 16
  /// Unsent bytes above which a client's notifications are dropped and its requests are not read.
  var waiting = 256 << 10
  /// Sent descriptors that a client has not read.
  var files = 4
  /// The length of a line, in bytes.
  var line = LineFramer.limit
  /// Incomplete lines of all clients together, in bytes.
  var incomplete = 8 << 20
  /// The time in which a line must be complete.
  var lineTime = Duration.seconds(30)
}

import Model
import RPC

/// What one client, one user, or all of them together may use. `docs/control.md` states these.
struct Limits {
  /// Connections of clients without the role admin, in all.
  var connections = 32
  /// Connections of clients with the role admin, in all: apart, so that neither kind takes the other's.
  var connectionsOfAdmins = 16
  /// Connections of one user other than root and the daemon's own.
  var connectionsOfUser = 8
  /// Connections beyond those, from which an emergency stop is taken and nothing else.
  var reserve = 8
  /// How many of the reserve one user has; one more takes the place of its oldest.
  var reserveOfUser = 4
  /// How long a connection of the reserve may take to ask.
  var reserveTime = Duration.seconds(5)
  /// Descriptors that no ordinary connection takes.
  var descriptors = 16
  /// How long a connection may stay that has nothing under way, follows nothing and holds nothing.
  var idleTime = Duration.seconds(120)
  /// Requests a second of one user, and at once.
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

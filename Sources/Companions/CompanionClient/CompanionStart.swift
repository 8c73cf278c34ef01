import Companion
import Glibc
import Linux
import Model
import Wire

/// How the daemon reaches a companion process: over the socket on which systemd listens for it, or as its own child.
package struct CompanionStart: Sendable {
  /// The program's name.
  package let name: String
  /// Where systemd listens; nil where there is no such unit, so that the daemon starts the program itself. Its own unit would
  /// not grant a child what the companion needs.
  package let socket: String?
  /// The program; nil when it is not installed.
  package let program: String?

  /// A way to reach a companion.
  package init(_ name: String, socket: String?, program: String?) {
    self.name = name
    self.socket = socket
    self.program = program
  }

  /// Whether systemd starts it. It then runs as a user of its own.
  package var isService: Bool { socket != nil }

  /// Whether there is none.
  package var isAbsent: Bool { socket.map { !Files.exists($0) } ?? (program == nil) }

  /// Connects to the companion, or starts it.
  /// - Parameter patience: the time limit for one packet, in milliseconds.
  /// - Returns: the connection, and the process if it is our child, which the caller reaps.
  package func connect<Message: PacketMessage>(
    patience: Int
  ) throws(SystemError) -> (connection: PacketSocket<Message>, process: Int32?) {
    if let socket {
      return (
        PacketSocket(
          try UnixSocket.connect(socket, packets: true, within: .seconds(1)), peer: name, patience: patience), nil
      )
    }
    guard let program else { throw SystemError("start", name, errno: ENOENT) }
    let (ours, theirs) = try UnixSocket.pair(packets: true)
    let made = PacketSocket<Message>(Descriptor(owning: ours), peer: name, patience: patience)
    let other = Descriptor(owning: theirs)
    var plan = SpawnPlan(program, [name])
    plan.defaultSignals = [SIGPIPE, SIGXFSZ]
    plan.descriptors = [other.number]
    plan.ownSession = true
    return (made, try Spawn.start(plan))
  }
}

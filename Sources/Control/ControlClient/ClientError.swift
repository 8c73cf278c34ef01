import Linux
import Model
import RPC

/// Why a command did not reach the daemon, or what the daemon answered. Its description is one helpful line.
public enum ClientError: Error, Sendable, Hashable {
  /// There is no socket at this path: no daemon has run here, or it uses another one.
  case noSocket(String)
  /// The socket's mode does not let this user in; the group that it does let in, where that is known.
  case notAllowed(String, group: String?)
  /// There is a socket, and nobody listens: the daemon has died.
  case nobodyListens(String)
  /// Too many wait to be let in: the daemon is stuck, or the machine is.
  case busy(String)
  /// There is a file, and it is no socket.
  case notASocket(String)
  /// The path is longer than a socket's may be.
  case longName(String)
  /// The socket, which nobody has named, belongs to somebody else.
  case foreignSocket(String, user: String)
  /// The daemon at a socket that nobody has named runs as somebody else.
  case foreignDaemon(String, user: String)
  /// What answered does not speak this protocol.
  case protocolMismatch(String, String)
  /// No answer came in time.
  case timedOut(method: String, Duration)
  /// The daemon closed the connection before it answered.
  case closed(method: String)
  /// The daemon answered with an error.
  case refused(RPCError)
  /// The system failed.
  case system(SystemError)
}

extension ClientError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSocket(let path):
      "no daemon at \(path): start it with 'openstarryd' or 'systemctl start openstarryd', or name its socket with "
        + "--socket or OPENSTARRY_SOCKET"
    case .notAllowed(let path, let group):
      "no permission to connect to \(path): "
        + (group.map { "become a member of the group '\($0)' (sudo usermod -aG \($0) $USER, then log in again)" }
          ?? "ask the board's administrator which group may, or use sudo")
    case .nobodyListens(let path):
      "nobody listens on \(path): the daemon has ended without clean-up; start it again, 'journalctl -u openstarryd' "
        + "says why it ended"
    case .busy(let path):
      "the daemon at \(path) lets nobody in now: it may be stuck; 'journalctl -u openstarryd' tells, or try again"
    case .notASocket(let path): "\(path) is not a socket: name the daemon's socket with --socket or OPENSTARRY_SOCKET"
    case .longName(let path):
      "\(path.prefix(60))… is too long for the name of a socket (\(path.utf8.count) bytes): name the daemon's socket "
        + "with --socket or OPENSTARRY_SOCKET"
    case .foreignSocket(let path, let user):
      "the socket \(path) belongs to '\(user)', neither to you, nor to root, nor to the daemon's user, and is not used: "
        + "name it with --socket if you mean it"
    case .foreignDaemon(let path, let user):
      "what listens on \(path) runs as '\(user)', neither as you, nor as root, nor as the daemon's user, and is not "
        + "used: name it with --socket if you mean it"
    case .protocolMismatch(let path, let what):
      "what answers on \(path) does not speak the control protocol (\(what)): are daemon and command of the same "
        + "version?"
    case .timedOut(let method, let time):
      "the daemon did not answer '\(method)' within \(time.text): it may be busy or stuck; see 'systemctl status "
        + "openstarryd' and 'journalctl -u openstarryd'"
    case .closed(let method): "the daemon closed the connection before it answered '\(method)'"
    case .refused(let error): error.description
    case .system(let error): error.description
    }
  }

  /// What connect(2) failed with, as one of these.
  static func connecting(_ path: String, _ error: SystemError, group: String?) -> ClientError {
    switch error.errno {
    case ErrorNumber.noEntry, ErrorNumber.notDirectory: .noSocket(path)
    case ErrorNumber.access, ErrorNumber.notPermitted: .notAllowed(path, group: group)
    case ErrorNumber.refused: SocketOwner.isSomethingElse(path) ? .notASocket(path) : .nobodyListens(path)
    case ErrorNumber.notSocket: .notASocket(path)
    case ErrorNumber.again: .busy(path)
    case ErrorNumber.longName: .longName(path)
    default: .system(error)
    }
  }
}

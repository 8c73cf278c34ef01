import Linux
import Model
import RPC

/// The reason that a call to the daemon failed. Its description is one line with a remedy.
package enum ClientError: Error, Sendable, Hashable {
  /// There is no socket at this path: the daemon has not run, or uses another path.
  case noSocket(String)
  /// The socket's mode denies this user. `group` may connect; nil when unknown.
  case notAllowed(String, group: String?)
  /// The socket has no listener: the daemon has died.
  case nobodyListens(String)
  /// The listener's queue is full: the daemon or the machine is stuck.
  case busy(String)
  /// The file at this path is not a socket.
  case notASocket(String)
  /// The path is too long for a socket address.
  case longName(String)
  /// A socket found without `--socket` belongs to an untrusted user.
  case foreignSocket(String, user: String)
  /// The daemon at a socket found without `--socket` runs as an untrusted user.
  case foreignDaemon(String, user: String)
  /// The program at this socket does not speak the control protocol; the second text says how it differs.
  case protocolMismatch(String, String)
  /// No answer came in time.
  case timedOut(method: String, Duration)
  /// The daemon closed the connection before it answered.
  case closed(method: String)
  /// The daemon answered with an error.
  case refused(RPCError)
  /// A system call failed.
  case system(SystemError)
}

extension ClientError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noSocket(let path):
      "no daemon at \(path): start it with 'openstarryd' or 'systemctl start openstarryd', or name its socket with "
        + "--socket or OPENSTARRY_SOCKET"
    case .notAllowed(let path, let group):
      "no permission to connect to \(path): "
        + (group.map { "become a member of the group '\($0)' (sudo usermod -aG \($0) $USER, then log in again)" }
          ?? "ask the board's administrator which group may, or use sudo")
    case .nobodyListens(let path):
      "nobody listens on \(path): the daemon has died; start it again, and see 'journalctl -u openstarryd' for the "
        + "reason"
    case .busy(let path):
      "the daemon at \(path) accepts no connections: it may be stuck; try again, or see 'journalctl -u openstarryd'"
    case .notASocket(let path): "\(path) is not a socket: name the daemon's socket with --socket or OPENSTARRY_SOCKET"
    case .longName(let path):
      "\(path.prefix(60))… is too long for a socket path (\(path.utf8.count) bytes): name the daemon's socket with "
        + "--socket or OPENSTARRY_SOCKET"
    case .foreignSocket(let path, let user):
      "the socket \(path) belongs to '\(user)' and is not used: only sockets of yours, of root and of the daemon's "
        + "user are trusted; name it with --socket to use it anyway"
    case .foreignDaemon(let path, let user):
      "the program at \(path) runs as '\(user)' and is not used: only programs of yours, of root and of the daemon's "
        + "user are trusted; name the socket with --socket to use it anyway"
    case .protocolMismatch(let path, let what):
      "the program at \(path) does not speak the control protocol (\(what)): are the daemon and this command of the "
        + "same version?"
    case .timedOut(let method, let time):
      "the daemon did not answer '\(method)' within \(time.text): it may be busy or stuck; see 'systemctl status "
        + "openstarryd' and 'journalctl -u openstarryd'"
    case .closed(let method): "the daemon closed the connection before it answered '\(method)'"
    case .refused(let error): error.description
    case .system(let error): error.description
    }
  }

  /// Classifies a failure of connect(2).
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

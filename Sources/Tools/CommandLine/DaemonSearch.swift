import ControlClient
import Linux
import Model

/// The daemons that a command may mean.
struct DaemonSearch {
  /// Those that answer, the first one first.
  private(set) var living: [Remote] = []
  /// Why others were passed over; a socket that is not there is none.
  private(set) var passedOver: [ClientError] = []

  /// Looks at every candidate, or at the one that was named.
  /// - Parameters:
  ///   - onlyFirst: whether the first daemon that answers is enough.
  ///   - timeout: how long one answer may take, and connecting; nil waits for ever.
  init(
    _ path: SocketPath, onlyFirst: Bool, timeout: Duration?,
    trust: SocketTrust = .ofThisMachine(folder: Files.folder(of: SocketPath.system))
  ) {
    switch path {
    case .named(let socket): look(socket, timeout, nil)
    case .searched(let sockets):
      var seen: Set<String> = []
      for socket in sockets {
        // In the home folder, `.` and `~` are the same.
        if let place = try? Files.resolve(socket), !seen.insert(place).inserted { continue }
        look(socket, timeout, trust)
        // Another board than the one that was meant first must not be moved instead.
        if onlyFirst, !living.isEmpty || passedOver.last?.endsSearch == true { break }
      }
    }
  }

  private mutating func look(_ socket: String, _ timeout: Duration?, _ trust: SocketTrust?) {
    do throws(ClientError) {
      living.append(Remote(try ControlClient(socket: socket, timeout: timeout, trust: trust)))
    } catch {
      if trust == nil || error != .noSocket(socket) { passedOver.append(error) }
    }
  }

  /// The daemon to use; says which candidates before it were passed over.
  /// - Throws: why there is none.
  func first() throws(Failure) -> Remote {
    guard let remote = living.first else {
      throw Failure(passedOver.first(where: \.endsSearch) ?? passedOver.first ?? .noSocket(SocketPath.system))
    }
    for reason in passedOver { Terminal.complain("\(reason.description.printable); using \(remote.socket.printable)") }
    return remote
  }
}

extension ClientError {
  /// Whether a daemon may be there all the same, which was not asked.
  var mayHideADaemon: Bool {
    switch self {
    case .noSocket, .nobodyListens, .notASocket, .longName: false
    default: true
    }
  }

  /// Whether it is the daemon that is meant, which cannot be asked: no other takes its place. Nobody obeys a stranger's.
  fileprivate var endsSearch: Bool {
    switch self {
    case .foreignSocket, .foreignDaemon: false
    default: mayHideADaemon
    }
  }
}

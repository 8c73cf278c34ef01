import ControlClient
import Linux
import Model

/// Finds the daemons that a command may be meant for.
struct DaemonSearch {
  /// The connected daemons, in order of preference.
  private(set) var living: [Remote] = []
  /// The reasons for skipping candidates, except those without a socket.
  private(set) var passedOver: [ClientError] = []

  /// Connects to the named socket, or to the candidates.
  /// - Parameters:
  ///   - onlyFirst: whether to stop at the first daemon.
  ///   - timeout: the time-out of connecting and of each answer; nil for none.
  ///   - trust: the trusted users, for candidates only.
  init(
    _ path: SocketPath, onlyFirst: Bool, timeout: Duration?,
    trust: SocketTrust = .ofThisMachine(folder: Files.folder(of: SocketPath.system))
  ) {
    switch path {
    case .named(let socket): look(socket, timeout, nil)
    case .searched(let sockets):
      var seen: Set<String> = []
      for socket in sockets {
        // Skip a second path to the same socket: in the home folder, `.` is `~`.
        if let place = try? Files.resolve(socket), !seen.insert(place).inserted { continue }
        look(socket, timeout, trust)
        // Do not command a later board instead of a preferred one that cannot be reached.
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

  /// The preferred daemon. Prints the reasons for skipping other candidates.
  /// - Throws: the reason that there is none.
  func first() throws(Failure) -> Remote {
    guard let remote = living.first else {
      throw Failure(passedOver.first(where: \.endsSearch) ?? passedOver.first ?? .noSocket(SocketPath.system))
    }
    for reason in passedOver { Terminal.complain("\(reason.description.printable); using \(remote.socket.printable)") }
    return remote
  }
}

extension ClientError {
  /// Whether a running daemon may be behind the error.
  var mayHideADaemon: Bool {
    switch self {
    case .noSocket, .nobodyListens, .notASocket, .longName: false
    default: true
    }
  }

  /// Whether the search ends at this candidate: its daemon may be running, and no other may take its place. An
  /// untrusted user's socket does not end the search.
  fileprivate var endsSearch: Bool {
    switch self {
    case .foreignSocket, .foreignDaemon: false
    default: mayHideADaemon
    }
  }
}

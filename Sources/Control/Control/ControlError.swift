import Linux

/// Why the control socket could not be opened.
public enum ControlError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Another daemon answers on it, or is about to.
  case alreadyRunning(String, pid: Int32?)
  /// Something else than a socket is at its path.
  case notASocket(String)
  /// The path does not fit into an address (unix(7)).
  case pathTooLong(String, longest: Int)
  /// A setting names a group that does not exist.
  case noSuchGroup(String, key: String, suggestion: String?)
  /// The system refused.
  case system(SystemError, hint: String)

  public var description: String {
    switch self {
    case .alreadyRunning(let path, let pid):
      "another daemon\(pid.map { " (process \($0))" } ?? "") has the socket \(path): stop it first with "
        + "'openstarry daemon stop --socket \(path)', or give this one another 'socket:'"
    case .notASocket(let path): "\(path) is not a socket and is left alone: move it away, or change 'socket:'"
    case .pathTooLong(let path, let longest):
      "the socket path is \(path.utf8.count) bytes long, at most \(longest) are possible: \(path)"
    case .noSuchGroup(let name, let key, let suggestion):
      "\(key): there is no group '\(name)'" + (suggestion.map { " (did you mean '\($0)'?)" } ?? "")
        + "; 'groupadd \(name)' makes one"
    case .system(let error, let hint): "\(error); \(hint)"
    }
  }
}

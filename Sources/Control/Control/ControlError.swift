import Linux

/// The reason that the control socket could not be opened.
package enum ControlError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Another daemon owns the socket. `pid` is nil for a daemon that is just starting.
  case alreadyRunning(String, pid: Int32?)
  /// The file at the socket's path is not a socket.
  case notASocket(String)
  /// The path does not fit into an address (unix(7)); `longest` in bytes.
  case pathTooLong(String, longest: Int)
  /// The setting `key` names a group that does not exist.
  case noSuchGroup(String, key: String, suggestion: String?)
  /// A system call failed.
  case system(SystemError, hint: String)

  package var description: String {
    switch self {
    case .alreadyRunning(let path, let pid):
      "another daemon\(pid.map { " (process \($0))" } ?? "") has the socket \(path): stop it first with "
        + "'openstarry daemon stop --socket \(path)', or give this daemon another 'socket:'"
    case .notASocket(let path): "\(path) is not a socket and is left unchanged: move it away, or change 'socket:'"
    case .pathTooLong(let path, let longest):
      "the socket path is \(path.utf8.count) bytes long, but may have at most \(longest): \(path)"
    case .noSuchGroup(let name, let key, let suggestion):
      "\(key): there is no group '\(name)'" + (suggestion.map { " (did you mean '\($0)'?)" } ?? "")
        + "; create it with 'groupadd \(name)'"
    case .system(let error, let hint): "\(error); \(hint)"
    }
  }
}

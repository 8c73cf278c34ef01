import Model

/// The exit status of `openstarry`, as documented in `docs/cli.md`. Numbers never change their meaning.
package enum ShellStatus: Int32, Sendable, CaseIterable {
  /// Done.
  case done = 0
  /// The operation failed, or a check found errors.
  case failed = 1
  /// The command line is wrong.
  case usage = 2
  /// No daemon answers on the socket.
  case noDaemon = 3
  /// The socket, the role or the manifest does not allow it.
  case denied = 4
  /// No such agent, device, event or file.
  case notFound = 5
  /// Somebody else holds the device, or a limit forbids the operation: the same command may work later.
  case busy = 6
  /// The object's state forbids the operation: already running, not running, quarantined, nothing measured yet, safe mode.
  case wrongState = 7
  /// Done, but the daemon could not store it.
  case notKept = 8

  /// The description in the table of `docs/cli.md`.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "tried and failed, or a check found errors"
    case .usage: "wrong command line"
    case .noDaemon: "no daemon answers"
    case .denied: "not allowed"
    case .notFound: "no such agent, device, event or file"
    case .busy: "held by somebody else, or forbidden by a limit; may work later"
    case .wrongState: "wrong state: already running, not running, quarantined, nothing measured yet, safe mode"
    case .notKept: "done, but not stored: a restart of the daemon undoes it"
    }
  }
}

/// The failure of a command.
package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The exit status.
  package var status: ShellStatus
  /// One line for people: operation, cause, remedy.
  package var message: String
  /// Diagnostics of files, one a line; often empty.
  package var details: [String]

  /// Creates a failure; text from outside is escaped when it is printed.
  package init(_ status: ShellStatus, _ message: String, details: [String] = []) {
    self.status = status
    self.message = message
    self.details = details
  }

  /// `{"error": {"code", "kind", "message", "details"}}`: `code` is the exit code, `kind` its name.
  package var document: Value {
    [
      "error": [
        "code": .int(Int64(status.rawValue)), "kind": .string("\(status)"), "message": .string(message),
        "details": .list(details.map { .string($0) }),
      ]
    ]
  }

  /// The message, followed by the details on lines of their own. Control characters are escaped.
  package var description: String { ([message] + details).map(\.printable).joined(separator: "\n") }
}

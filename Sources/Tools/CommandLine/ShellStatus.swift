import Model

/// What `openstarry` tells the shell; `docs/cli.md` is the list for people. Numbers never change their meaning.
public enum ShellStatus: Int32, Sendable, CaseIterable {
  /// Done.
  case done = 0
  /// It was tried and did not work, or a check found errors.
  case failed = 1
  /// The command line itself is wrong.
  case usage = 2
  /// No daemon answers on the socket.
  case noDaemon = 3
  /// The socket, the role or the manifest does not allow it.
  case denied = 4
  /// No such agent, device, event or file.
  case notFound = 5
  /// Somebody else holds it, or a limit stands against it: the same command may work later.
  case busy = 6
  /// It is not in a state for that: running already, not running, quarantined, nothing measured yet.
  case wrongState = 7
  /// Done, and the daemon could not keep it.
  case notKept = 8

  /// One line for the table in `docs/cli.md`.
  public var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "tried and failed, or a check found errors"
    case .usage: "wrong command line"
    case .noDaemon: "no daemon answers"
    case .denied: "not allowed"
    case .notFound: "no such agent, device, event or file"
    case .busy: "held by somebody else, or a limit stands against it; may work later"
    case .wrongState: "not in a state for that: running already, not running, quarantined, nothing measured yet"
    case .notKept: "done, and not kept: a restart of the daemon undoes it"
    }
  }
}

/// Why a command ends without having done what it was asked.
public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What the shell is told.
  public var status: ShellStatus
  /// One line for people: what was tried, why it did not work, what to do.
  public var message: String
  /// What is wrong with which line of a file, where that is why; a line each.
  public var details: [String]

  /// Puts a failure together.
  public init(_ status: ShellStatus, _ message: String, details: [String] = []) {
    self.status = status
    self.message = message
    self.details = details
  }

  /// `{"error": {"code", "kind", "message", "details"}}`: `code` is the exit code, `kind` its name.
  public var document: Value {
    [
      "error": [
        "code": .int(Int64(status.rawValue)), "kind": .string("\(status)"), "message": .string(message),
        "details": .list(details.map { .string($0) }),
      ]
    ]
  }

  /// The message, and the details on lines of their own; all of it printable.
  public var description: String { ([message] + details).map(\.printable).joined(separator: "\n") }
}

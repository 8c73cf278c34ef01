import ControlClient
import Model
import RPC

extension ShellStatus {
  /// What an error of `docs/control.md`, section 5, is to the shell.
  /// - Parameter code: nil for a code that this version does not know.
  public init(_ code: RPCError.Code?) {
    self =
      switch code {
      case .agentNotFound, .notFound, .deviceNotFound: .notFound
      case .permissionDenied, .deviceDenied, .spawnDenied, .latticeViolated: .denied
      case .rateLimited, .overloaded, .deviceBusy, .deviceLimited: .busy
      case .alreadyRunning, .agentNotRunning, .quarantined, .parentDraining, .deviceUnavailable, .notSimulated:
        .wrongState
      case .invalidParams, .deviceInvalid: .usage
      case .parseError, .invalidRequest, .methodNotFound, .internalError, .storage, .cannotRun, .invalidFile,
        .answerTooLong, .deviceFailed, nil:
        .failed
      }
  }
}

extension Failure {
  /// What a connection's error is to people and to the shell.
  public init(_ error: ClientError) {
    switch error {
    case .noSocket, .nobodyListens, .notASocket, .longName: self.init(.noDaemon, error.description)
    case .notAllowed, .foreignSocket, .foreignDaemon: self.init(.denied, error.description)
    case .busy, .timedOut, .closed, .protocolMismatch, .system: self.init(.failed, error.description)
    case .refused(let refusal):
      // Some sentences end with what their hint says.
      let hint = refusal.hint.flatMap { refusal.message.contains($0) ? nil : ": \($0)" } ?? ""
      let message = refusal.message + hint
      var details = Self.diagnostics(refusal.data["diagnostics"])
      // The sentence has the first one already.
      if let first = details.firstIndex(where: refusal.message.contains) { details.remove(at: first) }
      self.init(ShellStatus(refusal.known), message, details: details)
    }
  }

  /// `diagnostics` of an `invalidFile`: texts, or maps with `location` and `message`.
  private static func diagnostics(_ value: Value?) -> [String] {
    (value?.list ?? []).map { entry in
      if let text = entry.string { return text }
      let place = entry["location"]?.string.map { "\($0): " } ?? ""
      return place + (entry["message"]?.string ?? entry.text(limit: 200))
    }
  }
}

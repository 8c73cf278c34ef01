import ControlClient
import Model
import RPC

extension ShellStatus {
  /// The exit status for an error code of `docs/control.md`, section 5.
  /// - Parameter code: nil for a code that this version does not know, which becomes `failed`.
  package init(_ code: RPCError.Code?) {
    self =
      switch code {
      case .agentNotFound, .notFound, .deviceNotFound: .notFound
      case .permissionDenied, .deviceDenied, .spawnDenied, .latticeViolated: .denied
      case .rateLimited, .overloaded, .deviceBusy, .deviceLimited, .approvalNeeded: .busy
      case .alreadyRunning, .agentNotRunning, .quarantined, .parentDraining, .deviceUnavailable, .notSimulated,
        .safeMode:
        .wrongState
      case .invalidParams, .deviceInvalid: .usage
      case .parseError, .invalidRequest, .methodNotFound, .internalError, .storage, .cannotRun, .invalidFile,
        .answerTooLong, .deviceFailed, nil:
        .failed
      }
  }
}

extension Failure {
  /// Converts an error of the client, with the hint and the diagnostics of a refusal.
  package init(_ error: ClientError) {
    switch error {
    case .noSocket, .nobodyListens, .notASocket, .longName: self.init(.noDaemon, error.description)
    case .notAllowed, .foreignSocket, .foreignDaemon: self.init(.denied, error.description)
    case .busy, .timedOut, .closed, .protocolMismatch, .system: self.init(.failed, error.description)
    case .refused(let refusal):
      // Some messages already contain their hint.
      let hint = refusal.hint.flatMap { refusal.message.contains($0) ? nil : ": \($0)" } ?? ""
      let message = refusal.message + hint
      var details = Self.diagnostics(refusal.data["diagnostics"])
      // The message already contains the first diagnostic.
      if let first = details.firstIndex(where: refusal.message.contains) { details.remove(at: first) }
      self.init(ShellStatus(refusal.known), message, details: details)
    }
  }

  /// The `diagnostics` of an `invalidFile` error: texts, or maps with `location` and `message`.
  private static func diagnostics(_ value: Value?) -> [String] {
    (value?.list ?? []).map { entry in
      if let text = entry.string { return text }
      let place = entry["location"]?.string.map { "\($0): " } ?? ""
      return place + (entry["message"]?.string ?? entry.text(limit: 200))
    }
  }
}

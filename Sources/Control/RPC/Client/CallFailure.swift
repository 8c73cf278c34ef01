import Linux
import Model

/// The reason that a call has no result. Its description is one line.
package enum CallFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The other side answered with an error.
  case refused(RPCError)
  /// No answer came in time; a later answer is ignored.
  case timedOut(method: String, Duration)
  /// The connection ended before the answer.
  case closed(method: String)
  /// The send queue is full because the other side does not read; the request was not sent.
  case congested(method: String)
  /// The other side violated the protocol; the text says how.
  case mismatch(String)
  /// A system call failed.
  case system(SystemError)

  package var description: String {
    switch self {
    case .refused(let error): error.description
    case .timedOut(let method, let time): "'\(method)' was not answered within \(time.text)"
    case .closed(let method): "the connection closed before '\(method)' was answered"
    case .congested(let method): "'\(method)' was not sent: the other side does not read"
    case .mismatch(let what): "the other side does not speak the protocol: \(what)"
    case .system(let error): error.description
    }
  }
}

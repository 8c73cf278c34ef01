import Linux
import Model

/// The obligation to answer one request exactly once.
///
/// Only the first answer is sent. A reply that is released unanswered sends an internal error, so that no request stays
/// pending for ever.
package final class Reply {
  /// The request to answer.
  package let request: Request
  private weak var session: (any Session)?
  private var isGiven = false

  /// Marks the request as pending on `session`, which is held weakly.
  package init(to request: Request, on session: any Session) {
    self.request = request
    self.session = session
    session.begin()
  }

  deinit {
    give(.failure(RPCError(.internalError, "'\(request.method)' ended without an answer")))
  }

  /// Answers with a result or an error; ignored after the first answer.
  package func give(_ outcome: Result<Value, RPCError>) {
    guard !isGiven else { return }
    isGiven = true
    session?.answer(request, outcome)
  }

  /// Answers with a result and a descriptor, which is closed if the request was already answered.
  package func give(_ result: Value, with file: consuming Descriptor) {
    guard !isGiven else { return }
    isGiven = true
    session?.answer(request, result, with: file)
  }
}

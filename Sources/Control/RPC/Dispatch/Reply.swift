import Linux
import Model

/// The one answer to one request.
///
/// The first answer is sent and later ones are ignored. A reply that is released without one answers with an internal
/// error, so that no request stays under way for ever.
package final class Reply {
  /// The request that is answered.
  package let request: Request
  private weak var session: (any Session)?
  private var isGiven = false

  /// Counts the request as under way until the answer is given.
  package init(to request: Request, on session: any Session) {
    self.request = request
    self.session = session
    session.begin()
  }

  deinit {
    give(.failure(RPCError(.internalError, "'\(request.method)' ended without an answer")))
  }

  /// Gives the answer.
  package func give(_ outcome: Result<Value, RPCError>) {
    guard !isGiven else { return }
    isGiven = true
    session?.answer(request, outcome)
  }

  /// Gives the answer with a descriptor beside it.
  package func give(_ result: Value, with file: consuming Descriptor) {
    guard !isGiven else { return }
    isGiven = true
    session?.answer(request, result, with: file)
  }
}

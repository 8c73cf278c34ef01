import Model
import OpenStarryAgent

/// The questions of one agent that wait for a model. They end with the agent, so that the model's server stops its work,
/// and the time of its activation stands still meanwhile.
final class ModelWaits {
  /// The most questions at a time.
  static let most = 4
  private var waiting: Set<CompletionID> = []
  /// Whether there are any.
  var isWaiting: Bool { !waiting.isEmpty }
  /// Called when the first one begins to wait (true), and when the last one is answered (false).
  var onChange: (Bool) -> Void = { _ in }

  /// Asks a model.
  /// - Parameter done: called once, during this call or later; not after `close`.
  func ask(
    _ host: any AgentHost, _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) {
    guard waiting.count < Self.most else {
      throw AgentError(.limited, "the agent waits for \(Self.most) answers of models already")
    }
    var (id, isAnswered) = (CompletionID?.none, false)
    let completion = try host.complete(request) { [weak self] result in
      isAnswered = true
      if let id, let self {
        guard waiting.remove(id) != nil else { return }
        if waiting.isEmpty { onChange(false) }
      }
      done(result)
    }
    guard !isAnswered else { return }
    id = completion
    waiting.insert(completion)
    if waiting.count == 1 { onChange(true) }
  }

  /// Cancels all questions.
  func close(_ host: any AgentHost) {
    let left = waiting
    waiting = []
    for completion in left { host.cancel(completion) }
  }
}

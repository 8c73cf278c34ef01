import Agent

/// A start that has not been answered: its module is being compiled, or its start functions run.
final class PendingStart {
  /// Its instance, once its module is open.
  private var instance: WASMInstance?
  private var isCancelled = false
  private var done: ((Result<any AgentInstance, AgentFailure>) -> Void)?

  init(_ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void) { self.done = done }

  /// Whether it is answered. The module that was compiled for it is not run then.
  var isOver: Bool { done == nil }

  /// Runs the start functions of the instance.
  func run(_ instance: WASMInstance) {
    self.instance = instance
    instance.start { [self] result in answer(result.map { instance }) }
  }

  /// Answers; does nothing if it is answered.
  func answer(_ result: Result<any AgentInstance, AgentFailure>) {
    guard let done = done.take() else { return }
    instance = nil
    if case .failure = result, isCancelled { return done(.failure(Self.cancelled)) }
    done(result)
  }

  /// Gives it up: it is answered at once, or when its guest has stopped.
  func cancel() {
    isCancelled = true
    guard let instance else { return answer(.failure(Self.cancelled)) }
    instance.stop(now: true) {}
  }

  /// Gives it up without an answer.
  func abandon() {
    done = nil
    instance.take()?.stop(now: true) {}
  }

  private static let cancelled = AgentFailure(.killed, "its start was given up")
}

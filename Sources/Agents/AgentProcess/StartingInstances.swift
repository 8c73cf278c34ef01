import Agent
import Model

/// The instances that have not said yet that they are ready, by agent, so that their starts can be given up.
final class StartingInstances {
  private var instances: [AgentID: ProcessInstance] = [:]

  /// Notes a start.
  func add(_ instance: ProcessInstance, of agent: AgentID) { instances[agent] = instance }

  /// Forgets a start.
  func remove(_ agent: AgentID) { instances[agent] = nil }

  /// Wraps the completion of a start, which ends it.
  func started(
    _ agent: AgentID, _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) -> (Result<any AgentInstance, AgentFailure>) -> Void {
    { [self] result in
      remove(agent)
      done(result)
    }
  }

  /// Gives a start up.
  /// - Returns: false when there is none.
  func cancel(_ agent: AgentID) -> Bool {
    guard let instance = instances[agent] else { return false }
    instance.cancelStart()
    return true
  }
}

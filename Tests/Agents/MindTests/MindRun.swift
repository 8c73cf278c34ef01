import Agent
import Model

/// Lets a mind in an isolation handle one event.
/// - Parameter turn: runs the loop until a condition holds.
/// - Returns: why it failed; nil for a mind that has handled it.
func handleOneEvent(
  _ manifest: Manifest, _ driver: any AgentDriver, _ host: any AgentHost, until turn: (() -> Bool) -> Void
) -> AgentFailure? {
  var (isOver, failure): (Bool, AgentFailure?) = (false, nil)
  var instance: (any AgentInstance)?
  driver.start(manifest, host: host, ended: { (isOver, failure) = (true, $0.failure) }) { result in
    switch result {
    case .success(let made): instance = made
    case .failure(let why): (isOver, failure) = (true, why)
    }
  }
  turn { isOver || instance != nil }
  let trace = ULID(high: 1, low: 1)
  instance?.activate(Event(id: trace, type: "test:event", trace: trace)) { result in
    if case .failure(let why) = result { failure = why }
    isOver = true
  }
  turn { isOver }
  var isStopped = instance == nil
  instance?.stop(now: false) { isStopped = true }
  turn { isStopped }
  return failure
}

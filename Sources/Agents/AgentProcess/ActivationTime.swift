import Agent
import Model

/// The time of one activation. It is paused while the agent waits for a model, which has a time limit of its own.
struct ActivationTime {
  private let began: Instant
  /// What was left when it was last paused or resumed.
  private var left: Duration
  private var since: Instant
  private var isPaused: Bool
  private var waited = Duration.zero

  /// - Parameters:
  ///   - limit: how long it may take without waits.
  ///   - isWaiting: whether the agent waits for an answer to what it asked before.
  init(_ limit: Duration, at now: Instant, isWaiting: Bool) {
    (began, since, left, isPaused) = (now, now, limit, isWaiting)
  }

  /// When it is used up; nil while it is paused.
  var deadline: Instant? { isPaused ? nil : since + left }

  /// The agent begins to wait.
  mutating func pause(at now: Instant) {
    guard !isPaused else { return }
    (left, since, isPaused) = (max(.zero, since + left - now), now, true)
  }

  /// It waits no longer.
  mutating func resume(at now: Instant) {
    guard isPaused else { return }
    waited += now - since
    (since, isPaused) = (now, false)
  }

  /// What it has cost. CPU time is charged as it is measured.
  func cost(at now: Instant) -> ActivationCost {
    let waits = waited + (isPaused ? now - since : .zero)
    var cost = ActivationCost(totalTime: UInt64(max(0, (now - began).nanoseconds)))
    cost.waitTime = UInt64(max(0, waits.nanoseconds))
    cost.chargesCPU = false
    return cost
  }
}

import Agent
import HAL
import Model

/// One run of an agent, from the request to its driver until nothing of the instance is left. Answers that belong to an
/// earlier run are late and ignored.
final class AgentRun {
  /// The phase of a run.
  enum Phase {
    /// The driver is making the instance.
    case starting
    /// The first readings of the agent's sensors are awaited, at most until the timer fires.
    case awaitingReadings(any AgentInstance, TimerID)
    /// The instance waits for an event.
    case waiting(any AgentInstance)
    /// The instance handles an event.
    case handling(any AgentInstance, Delivery)
  }

  var phase = Phase.starting
  /// When the driver handed the instance over.
  var started: Instant?
  /// Sensors that are measured during the run, so that reads never wait.
  var subscriptions: [SubscriptionID] = []
  /// Whether the instance was asked for its report and has not answered yet.
  var isReporting = false
  /// Actions that wait for the end of the activation and for the report.
  var afterReport: [() -> Void] = []

  /// nil while the driver is making the instance.
  var instance: (any AgentInstance)? {
    switch phase {
    case .starting: nil
    case .awaitingReadings(let instance, _), .waiting(let instance), .handling(let instance, _): instance
    }
  }

  /// The event it handles; nil between two events.
  var current: Delivery? { if case .handling(_, let delivery) = phase { delivery } else { nil } }

  var isHandling: Bool { if case .handling = phase { true } else { false } }

  /// Stops waiting for first readings.
  func endReading(_ clock: any Timekeeper) {
    guard case .awaitingReadings(let instance, let timer) = phase else { return }
    clock.cancel(timer)
    phase = .waiting(instance)
  }

  /// Ends the subscriptions to sensors.
  func unsubscribe(_ hardware: Hardware) {
    for subscription in subscriptions { hardware.unsubscribe(subscription) }
    subscriptions = []
  }

  /// The report has arrived, or none is wanted.
  func hasReported() {
    isReporting = false
    if !isHandling { tellReported() }
  }

  /// Calls the actions that wait for the report.
  func tellReported() {
    guard !afterReport.isEmpty else { return }
    let waiting = afterReport
    afterReport = []
    for action in waiting { action() }
  }
}

import Agent
import HAL
import Model

/// One run of an agent: from when its driver is asked for an instance until nothing of that is left. An answer that
/// belongs to another run than the agent's present one is late.
final class AgentRun {
  /// How far it is.
  enum Phase {
    /// The driver is making the instance.
    case starting
    /// The first readings of its sensors are awaited, until the timer elapses at most.
    case awaitingReadings(any AgentInstance, TimerID)
    /// It waits for an event.
    case waiting(any AgentInstance)
    /// It handles an event.
    case handling(any AgentInstance, Delivery)
  }

  var phase = Phase.starting
  /// When the driver handed the instance over.
  var started: Instant?
  /// Sensors that are measured while it runs, so that its reads never wait.
  var subscriptions: [SubscriptionID] = []
  /// It was asked for its report, and has not answered yet.
  var isReporting = false
  /// What waits until the running activation has ended and the report is there.
  var afterReport: [() -> Void] = []

  /// Nil while the driver is making it.
  var instance: (any AgentInstance)? {
    switch phase {
    case .starting: nil
    case .awaitingReadings(let instance, _), .waiting(let instance), .handling(let instance, _): instance
    }
  }

  /// What it handles; nil between two events.
  var current: Delivery? { if case .handling(_, let delivery) = phase { delivery } else { nil } }

  var isHandling: Bool { if case .handling = phase { true } else { false } }

  /// Waits for readings no longer.
  func endReading(_ clock: any Timekeeper) {
    guard case .awaitingReadings(let instance, let timer) = phase else { return }
    clock.cancel(timer)
    phase = .waiting(instance)
  }

  /// No sensor is measured for it any more.
  func unsubscribe(_ hardware: Hardware) {
    for subscription in subscriptions { hardware.unsubscribe(subscription) }
    subscriptions = []
  }

  /// Its report is there, or nobody wants one.
  func hasReported() {
    isReporting = false
    if !isHandling { tellReported() }
  }

  /// Tells whoever waits for the report.
  func tellReported() {
    guard !afterReport.isEmpty else { return }
    let waiting = afterReport
    afterReport = []
    for action in waiting { action() }
  }
}

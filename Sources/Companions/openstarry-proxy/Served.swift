import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Proxy
#endif

/// An agent that the proxy serves.
final class Served {
  let id: UInt32
  let listener: Int32
  let rules: HostRules
  /// Its connections.
  var count = 0
  /// Whether the log has been told that connections wait.
  var isFull = false

  /// The connections of one agent.
  static let mostConnections = 32
  /// Reports in each `window`; the others are only counted. Many connections must not hide what was refused.
  private static let mostReports = (connections: 5, failures: 10)
  private static let window: UInt64 = 10_000_000_000

  private var reports = (connections: 0, failures: 0)
  private var opened: UInt32 = 0
  private var failed: UInt32 = 0
  /// When the window ends; nil when none is open.
  private(set) var windowEnd: UInt64?

  init(id: UInt32, listener: Int32, rules: HostRules) {
    self.id = id
    self.listener = listener
    self.rules = rules
  }

  deinit { close(listener) }

  /// - Returns: whether a report may be sent. The others are counted.
  func admit(_ outcome: ProxyOutcome, _ now: UInt64) -> Bool {
    if windowEnd == nil { windowEnd = now + Self.window }
    if outcome == .connected {
      reports.connections += 1
      if reports.connections <= Self.mostReports.connections { return true }
    } else {
      reports.failures += 1
      if reports.failures <= Self.mostReports.failures { return true }
    }
    note(outcome)
    return false
  }

  /// Counts a report that is not sent.
  func note(_ outcome: ProxyOutcome) {
    if outcome == .connected { opened &+= 1 } else { failed &+= 1 }
  }

  /// Ends the window.
  /// - Returns: what was not reported in it.
  func closeWindow() -> (opened: UInt32, failed: UInt32) {
    let counts = (opened, failed)
    (reports, opened, failed, windowEnd) = ((0, 0), 0, 0, nil)
    return counts
  }
}

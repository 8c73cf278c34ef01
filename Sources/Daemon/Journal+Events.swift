import Agent
import Model

extension Journal {
  /// Writes an event down when it is one that somebody should look at; most are not.
  func log(_ event: Event) {
    guard let level = Self.levels[event.type] else { return }
    log(level, EventSentence.text(event))
  }

  /// Writes down what an agent says, at the level it says it.
  func log(_ line: LogLine) { log(line.level, "agent \(line.agent): \(line.message)") }

  private static let levels: [String: LogLevel] = [
    "agent:backoff": .notice,
    "agent:failed": .warning,
    "agent:overloaded": .warning,
    "agent:quarantined": .error,
    "agent:struck": .error,
    "budget:capped": .warning,
    "budget:exceeded": .warning,
    "budget:throttled": .notice,
    "budget:warning": .notice,
    "device:back": .notice,
    "device:fault": .warning,
    "device:limited": .warning,
    "device:lost": .warning,
    "device:overrun": .warning,
    "device:recovered": .notice,
    "rule:error": .warning,
    "system:chain_cut": .warning,
    "system:late": .warning,
    "system:moving": .notice,
    "system:pressure": .warning,
    "system:safe_mode": .alert,
    "system:safe_mode_left": .notice,
    "system:guardian_back": .notice,
    "system:guardian_deaf": .error,
    "system:guardian_lost": .error,
    "system:guardian_overruled": .error,
    "system:guardian_report": .error,
    "system:storage_failed": .critical,
    "system:storage_recovered": .notice,
    "system:stuck": .critical,
    "system:unclean_start": .warning,
  ]
}

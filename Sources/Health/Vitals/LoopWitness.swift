import Agent
import Crash
import Model
import Watchdog

/// Notes which agent's code runs on the loop: in the crash record, and to find the agent that held the loop longest.
package final class LoopWitness: CodeWitness {
  private let record: CrashRecord?
  private let clock: any Timekeeper
  private var began = Instant(nanoseconds: 0)
  private var current: AgentID?
  private var longest: (agent: AgentID, time: Duration)?

  init(_ record: CrashRecord?, clock: any Timekeeper) {
    self.record = record
    self.clock = clock
  }

  package func begin(_ call: CodeCall, _ agent: AgentID, _ event: Event?) {
    began = clock.now
    current = agent
    let phase: PastRun.Phase =
      switch call {
      case .start: .start
      case .activation: .activation
      case .snapshot: .snapshot
      case .end: .end
      }
    record?.begin(phase, agent, event: event, at: began)
  }

  package func end() {
    record?.end()
    let time = clock.now - began
    if let current, time > longest?.time ?? .zero { longest = (current, time) }
    current = nil
  }

  /// The agent whose code ran longest since the last call, and for how long; nil when no agent ran.
  func takeLongest() -> (agent: AgentID, time: Duration)? {
    defer { longest = nil }
    return longest
  }
}

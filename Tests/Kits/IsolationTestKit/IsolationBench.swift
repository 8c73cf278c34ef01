import Agent
import Model

/// The behaviours of the conformance suite's agents, in any language.
package enum Behaviour: String, CaseIterable, Sendable {
  /// Logs `handled` for each event, and reports `{"n": 1}`.
  case works
  /// Fails each event with the message `no such thing`.
  case fails
  /// Asks for the actuator `valve`, is refused, and passes the refusal on.
  case passesRefusalsOn
  /// Adds 1 to the value of `n`, which is 0 at first, and removes `old`.
  case keepsState
  /// Sets the timer `dry` to 5 s, and `poll` to every 30 s; cancels `dry`.
  case setsTimers
  /// As `works`, but ends by itself, after some computing, when its report is requested.
  case diesReporting
  /// Logs `handled`, and ends by itself in the middle of each event.
  case diesHandling
  /// Never returns from its handler.
  case spins
  /// The module, program or linked type does not exist.
  case isMissing
}

/// An isolation, set up for the conformance suite.
package protocol IsolationBench: AnyObject {
  /// The driver under test.
  var driver: any AgentDriver { get }

  /// The manifest of an agent with this behaviour; nil if the isolation cannot have one.
  func manifest(_ behaviour: Behaviour) throws -> Manifest?

  /// Runs pending work until `isDone` is true, or a generous timeout.
  func run(until isDone: () -> Bool)

  /// Runs pending work until nothing is left to do.
  func settle()
}

/// A host that records log lines, durable values and timers, and refuses every actuator.
package final class CountingHost: AgentHost {
  /// The lines that were logged.
  package private(set) var lines: [String] = []
  /// Called with each line, in the middle of the agent's activation.
  package var onLine: () -> Void = {}
  /// The refusal of every actuator.
  package static let refusal = AgentError(.busy, "'valve' is held by client/ada")

  package init() {}

  package var now: UInt64 { 7 }
  package func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.notFound, sensor) }
  package func control(
    _ actuator: String, _ command: ActuatorCommand, lease: Duration?
  ) throws(AgentError) -> Receipt { throw Self.refusal }
  package func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, camera) }
  package func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, type) }
  package func log(_ level: LogLevel, _ message: String) {
    lines.append(message)
    onLine()
  }
  /// The durable values.
  package private(set) var values: Fields = ["old": true]
  package func state(_ key: String) -> Value? { values[key] }
  package func setState(_ key: String, _ value: Value?) throws(AgentError) { values[key] = value }
  /// What was done with timers, in order.
  package private(set) var timers: [String] = []
  package func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    timers.append("\(name) \(repeats ? "every" : "after") \(delay.text)")
  }
  package func cancelTimer(_ name: String) { timers.append("\(name) cancelled") }
  package func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
}

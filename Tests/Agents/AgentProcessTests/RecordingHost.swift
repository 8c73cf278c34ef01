import Agent
import Model
import OpenStarryAgent

/// A host that answers every call and records what is asked of it.
final class RecordingHost: AgentHost, MemoryLimiter, UsageRecorder {
  private(set) var lines: [String] = []
  private(set) var reads = 0
  private(set) var commands: [(String, ActuatorCommand, Duration?)] = []
  private(set) var emitted: [(String, Fields)] = []
  private(set) var values: Fields = [:]
  private(set) var cpu: UInt64 = 0
  private(set) var memory: Int64 = 0
  /// What calls are refused with; nil for none.
  var refusal: AgentError?

  private func refuse() throws(AgentError) { if let refusal { throw refusal } }

  var now: UInt64 { 7 }

  func read(_ sensor: String) throws(AgentError) -> Reading {
    reads += 1
    try refuse()
    return Reading(value: 21.5, unit: "°C", time: 3)
  }

  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    try refuse()
    commands.append((actuator, command, lease))
    return Receipt(id: ULID(high: 1, low: 2), state: 1, previous: 0, at: 5)
  }

  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    try refuse()
    return [0xFF, 0xD8]
  }

  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    try refuse()
    return [UInt8](repeating: 7, count: width * height)
  }

  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    try refuse()
    emitted.append((type, payload))
    return ULID(high: 1, low: 3)
  }

  func log(_ level: LogLevel, _ message: String) { lines.append(message) }
  func state(_ key: String) -> Value? { values[key] }

  func setState(_ key: String, _ value: Value?) throws(AgentError) {
    try refuse()
    values[key] = value
  }

  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
  func memory(holding held: Int64) -> MemoryRoom? {
    memory = max(memory, held)
    return nil
  }
  func used(cpu nanoseconds: UInt64) { cpu += nanoseconds }
}

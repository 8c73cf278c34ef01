import Agent
import Model

/// What the agents of the conformance suite do, whatever they are written in.
public enum Behaviour: String, CaseIterable, Sendable {
  /// Logs `handled` for each event, and reports `{"n": 1}`.
  case works
  /// Fails each event with the message `no such thing`.
  case fails
  /// Asks for the actuator `valve`, is refused, and passes the refusal on.
  case passesRefusalsOn
  /// As `works`; goes away by itself, after some computing, when it is asked for its report.
  case diesReporting
  /// There is nothing to run: no such module, program or linked type.
  case isMissing
}

/// One isolation, set up for the conformance suite.
public protocol IsolationBench: AnyObject {
  /// The driver under test.
  var driver: any AgentDriver { get }

  /// The manifest of an agent that does so; nil where the isolation has no such agents.
  func manifest(_ behaviour: Behaviour) throws -> Manifest?

  /// Lets what is under way go on until `isDone`, or until that has taken far too long.
  func run(until isDone: () -> Bool)

  /// Lets what is under way go on until nothing more happens.
  func settle()
}

/// A host that counts what it is asked for, and refuses every actuator.
public final class CountingHost: AgentHost {
  /// The lines that were logged.
  public private(set) var lines: [String] = []
  /// Called with each line, in the middle of the agent's activation.
  public var onLine: () -> Void = {}
  /// As every actuator is refused.
  public static let refusal = AgentError(.busy, "'valve' is held by client/ada")

  public init() {}

  public var now: UInt64 { 7 }
  public func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.notFound, sensor) }
  public func control(
    _ actuator: String, _ command: ActuatorCommand, lease: Duration?
  ) throws(AgentError) -> Receipt { throw Self.refusal }
  public func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, camera) }
  public func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, type) }
  public func log(_ level: LogLevel, _ message: String) {
    lines.append(message)
    onLine()
  }
  public func state(_ key: String) -> Value? { nil }
  public func setState(_ key: String, _ value: Value?) throws(AgentError) { throw AgentError(.denied, key) }
  public func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
}

import Agent
import EventLoop
import Linux
import Model
import OpenStarryAgent

/// How long an agent takes from the request to its driver until its first event is handled.
enum AgentStart {
  /// Starts an agent twice, as the launcher is there already when an agent is started, except for the first.
  /// - Returns: milliseconds of the second start.
  static func milliseconds(_ manifest: Manifest, _ driver: any AgentDriver, on loop: EventLoop) throws -> Double {
    _ = try start(manifest, driver, on: loop)
    return try start(manifest, driver, on: loop)
  }

  private static func start(_ manifest: Manifest, _ driver: any AgentDriver, on loop: EventLoop) throws -> Double {
    var failure: AgentFailure?
    var instance: (any AgentInstance)?
    var isHandled = false
    let begin = loop.now
    driver.start(manifest, host: SilentHost(), ended: { failure = $0.failure }) { result in
      switch result {
      case .success(let made):
        instance = made
        let id = ULID(high: 1, low: 1)
        made.activate(Event(id: id, type: "bench:none", trace: id, payload: ["active": .bool(true)])) { _ in
          isHandled = true
        }
      case .failure(let why): failure = why
      }
    }
    while !isHandled, failure == nil { loop.turn(wait: true) }
    if let failure { throw failure }
    let took = loop.now - begin
    var isGone = false
    instance?.stop(now: true) { isGone = true }
    while !isGone { loop.turn(wait: true) }
    return Double(took.nanoseconds) / 1_000_000
  }
}

/// A host without a board.
private final class SilentHost: AgentHost {
  var now: UInt64 { System.monotonicNanoseconds() }
  func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.notFound, sensor) }
  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    Receipt(id: ULID(high: 1, low: 1), state: 1, previous: 0, at: now)
  }
  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, camera) }
  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, type) }
  func log(_ level: LogLevel, _ message: String) {}
  func state(_ key: String) -> Value? { nil }
  func setState(_ key: String, _ value: Value?) throws(AgentError) { throw AgentError(.denied, key) }
  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
}

/// How serious a line of a log is; the names and numbers are syslog's (RFC 5424, 6.2.1).
public enum LogLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
  case emergency = 0
  case alert, critical, error, warning, notice, info, debug

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// The calls behind `Context`: each kind of isolation implements them once.
///
/// Every call passes the same gate: what the manifest does not grant is `denied`.
public protocol AgentHost: AnyObject {
  /// Nanoseconds on the monotonic clock.
  var now: UInt64 { get }
  /// The newest reading of `sensor`, or the level of an input; see `Context.read`.
  func read(_ sensor: String) throws(AgentError) -> Reading
  /// Carries out `command`; see `Context.control`.
  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt
  /// The newest JPEG of `camera`; see `Context.snapshot`.
  func snapshot(_ camera: String) throws(AgentError) -> [UInt8]
  /// The newest picture of `camera` in grey; see `Context.frame`.
  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8]
  /// Asks a model.
  /// - Parameter done: called once with the answer, within this call or later; never after `cancel`.
  /// - Returns: what `cancel` takes.
  /// - Throws: `denied` by the manifest, `unavailable` without a model, `limited` by the budget of tokens, `invalid`.
  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID
  /// Nobody waits for the answer any more. Does nothing when it was given.
  func cancel(_ completion: CompletionID)
  /// Publishes an event caused by the one being handled.
  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID
  /// Appends a line to the agent's log.
  func log(_ level: LogLevel, _ message: String)
  /// The durable value under `key`; nil when there is none.
  func state(_ key: String) -> Value?
  /// Keeps `value` under `key` across restarts; nil removes it.
  func setState(_ key: String, _ value: Value?) throws(AgentError)
  /// The contents of a file within the paths the manifest grants, at most 1 MiB.
  func file(_ path: String) throws(AgentError) -> [UInt8]
}

// For hosts that have neither cameras nor models.
extension AgentHost {
  public func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    throw AgentError(.unavailable, "there are no cameras here")
  }

  public func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    throw AgentError(.unavailable, "there is no model here")
  }

  public func cancel(_ completion: CompletionID) {}
}

/// Everything an agent may reach while it handles one event.
public struct Context {
  #if hasFeature(Embedded)
    /// What answers the calls: one class, so that a module imports what its agent uses and no more.
    public typealias Host = GuestHost
  #else
    /// What answers the calls.
    public typealias Host = any AgentHost
  #endif

  private let host: Host
  /// The agent's id, as in its manifest.
  public let agent: String

  /// Drivers make contexts; tests may, around a host of their own.
  public init(agent: String, host: Host) {
    self.agent = agent
    self.host = host
  }

  /// Nanoseconds on the monotonic clock.
  public var now: UInt64 { host.now }

  /// The newest reading of a sensor, or the level of a digital input now: 0 or 1, without a unit.
  ///
  /// Sensors that a manifest names are measured at the board's pace while the agent runs, so this never waits.
  /// - Throws: `denied`, `notFound`, or `unavailable` before the first reading.
  public func read(_ sensor: String) throws(AgentError) -> Reading { try host.read(sensor) }

  /// Asks an actuator to do something.
  /// - Parameters:
  ///   - lease: how long it may stay away from its safe state without being asked again; nil takes the board's
  ///     default. At its end, or when the agent stops, the actuator goes to its safe state.
  /// - Returns: what was done. Hardware behind a slow bus takes it a moment later.
  /// - Throws: `denied` by the manifest, `busy` when somebody else holds it, `limited` by `max_on`, `min_off`,
  ///   `max_rate` or `exclusive_with`, `failed` by the hardware.
  @discardableResult
  public mutating func control(
    _ actuator: String, _ command: ActuatorCommand, lease: Duration? = nil
  ) throws(AgentError) -> Receipt {
    try host.control(actuator, command, lease: lease)
  }

  /// The newest picture of a camera, as JPEG.
  /// - Throws: `unavailable` when none is ready: one has then been asked for, and `camera:snapshot` tells when.
  public func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { try host.snapshot(camera) }

  /// The newest picture of a camera, in grey and scaled down: for programs that look at it themselves.
  /// - Parameters:
  ///   - width: in pixels, from 1 to what the camera's small picture has: at most 160.
  ///   - height: in pixels; the picture is stretched to the shape that is asked for.
  /// - Returns: `width * height` bytes, 0 black to 255 white, row by row; each the mean of what it covers.
  /// - Throws: `denied`, `notFound`, `limited` when the picture has fewer pixels than asked for, or `unavailable` when
  ///   none is there: one has then been asked for, and `camera:frame` tells when.
  public func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    try host.frame(camera, width: width, height: height)
  }

  /// Asks a model and waits for its answer; only agents that may wait get one: those in a sandbox of their own.
  /// - Parameters:
  ///   - system: what the model is told about its part beforehand.
  ///   - maxTokens: of the answer; nil leaves it to the model's settings.
  /// - Throws: `denied` by the manifest, `limited` by the budget of tokens, `unavailable` when there is no model, when it
  ///   does not answer in time, and always for agents that run in-process.
  public mutating func complete(
    _ prompt: String, system: String = "", maxTokens: Int? = nil
  ) throws(AgentError) -> String {
    var answer: Result<ModelAnswer, AgentError>?
    let request = ModelRequest(prompt: prompt, system: system, maxTokens: maxTokens)
    let completion = try host.complete(request) { answer = $0 }
    guard let answer else {
      host.cancel(completion)
      throw AgentError(.unavailable, "this agent may not wait for a model")
    }
    return try answer.get().text
  }

  /// Publishes an event; its cause is the event being handled.
  /// - Parameter type: `domain:verb`; the manifest's `emit` list must allow it.
  @discardableResult
  public mutating func emit(_ type: String, _ payload: Fields = [:]) throws(AgentError) -> ULID {
    try host.emit(type, payload)
  }

  /// Appends a line to the agent's log.
  public mutating func log(_ message: String, _ level: LogLevel = .info) { host.log(level, message) }

  /// The durable value under `key`; nil when there is none.
  public func state(_ key: String) -> Value? { host.state(key) }

  /// Keeps `value` under `key` across restarts; nil removes it.
  /// - Throws: `limited` when the agent's storage budget is used up.
  public mutating func setState(_ key: String, _ value: Value?) throws(AgentError) {
    try host.setState(key, value)
  }

  /// The contents of a file within the paths that the manifest grants.
  /// - Throws: `denied`, `notFound`, or `limited` beyond 1 MiB.
  public func file(_ path: String) throws(AgentError) -> [UInt8] { try host.file(path) }
}

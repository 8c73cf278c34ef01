/// The severity of a log line, with the names and numbers of syslog (RFC 5424, 6.2.1).
public enum LogLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
  case emergency = 0
  case alert, critical, error, warning, notice, info, debug

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// The calls behind `Context`. Every isolation implements them.
///
/// Every call passes the same gate: calls that the manifest does not grant are `denied`.
public protocol AgentHost: AnyObject {
  /// Nanoseconds on the monotonic clock.
  var now: UInt64 { get }
  /// The newest reading of `sensor`, or the level of an input; see `Context.read`.
  func read(_ sensor: String) throws(AgentError) -> Reading
  /// Commands an actuator; see `Context.control`.
  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt
  /// The newest JPEG of `camera`; see `Context.snapshot`.
  func snapshot(_ camera: String) throws(AgentError) -> [UInt8]
  /// The newest picture of `camera` in grey; see `Context.frame`.
  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8]
  /// Asks a model.
  /// - Parameter done: called once with the answer, during this call or later; never after `cancel`.
  /// - Returns: an id for `cancel`.
  /// - Throws: `denied` by the manifest, `unavailable` without a model, `limited` by the token budget, `invalid`.
  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID
  /// Cancels a request. Does nothing after its answer.
  func cancel(_ completion: CompletionID)
  /// Asks a model, whose answer comes as an event; see `Context.send`.
  func send(_ request: ModelRequest, as name: String) throws(AgentError)
  /// The chain of events that led to a device's last change; see `Context.why`.
  func why(_ device: String) throws(AgentError) -> [Event]
  /// What the agent may use; see `Context.surroundings`.
  func surroundings() throws(AgentError) -> Value
  /// Publishes an event caused by the current one.
  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID
  /// Appends a line to the agent's log.
  func log(_ level: LogLevel, _ message: String)
  /// The durable value under `key`; nil if there is none.
  func state(_ key: String) -> Value?
  /// Keeps `value` under `key` across restarts; nil removes it.
  func setState(_ key: String, _ value: Value?) throws(AgentError)
  /// Sets one of the agent's timers; see `Context.after` and `Context.every`.
  func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError)
  /// Cancels a timer. Does nothing if there is none.
  func cancelTimer(_ name: String)
  /// The contents of a file within the granted paths, at most 1 MiB.
  func file(_ path: String) throws(AgentError) -> [UInt8]
}

// For hosts without cameras, models or timers.
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

  public func send(_ request: ModelRequest, as name: String) throws(AgentError) {
    throw AgentError(.unavailable, "there is no model here")
  }

  public func why(_ device: String) throws(AgentError) -> [Event] {
    throw AgentError(.unavailable, "causes are not known here")
  }

  public func surroundings() throws(AgentError) -> Value {
    throw AgentError(.unavailable, "this agent's surroundings are not described here")
  }

  public func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    throw AgentError(.unavailable, "there are no timers here")
  }

  public func cancelTimer(_ name: String) {}
}

/// The agent's access to the board while it handles one event.
public struct Context {
  #if hasFeature(Embedded)
    /// The implementation of the calls. A concrete class, so that a module imports only the functions that its agent uses.
    public typealias Host = GuestHost
  #else
    /// The implementation of the calls.
    public typealias Host = any AgentHost
  #endif

  private let host: Host
  /// The agent's id, as in its manifest.
  public let agent: String

  /// Creates a context; for drivers, and for tests with their own host.
  public init(agent: String, host: Host) {
    self.agent = agent
    self.host = host
  }

  /// Nanoseconds on the monotonic clock.
  public var now: UInt64 { host.now }

  /// The newest reading of a sensor, or the level of a digital input: 0 or 1, without a unit.
  ///
  /// Never waits: the board measures the sensors that a manifest names periodically while the agent runs.
  /// - Throws: `denied`, `notFound`, or `unavailable` before the first reading.
  public func read(_ sensor: String) throws(AgentError) -> Reading { try host.read(sensor) }

  /// Commands an actuator.
  /// - Parameters:
  ///   - lease: how long the actuator may stay away from its safe state unless the command is repeated; nil is the board's
  ///     default. At its end, or when the agent stops, the actuator goes to its safe state.
  /// - Returns: the receipt. Hardware behind a slow bus may execute the command a moment later.
  /// - Throws: `denied` by the manifest, `busy` if the actuator has another holder, `limited` by `max_on`, `min_off`,
  ///   `max_rate` or `exclusive_with`, `failed` by the hardware.
  @discardableResult
  public mutating func control(
    _ actuator: String, _ command: ActuatorCommand, lease: Duration? = nil
  ) throws(AgentError) -> Receipt {
    try host.control(actuator, command, lease: lease)
  }

  /// The newest picture of a camera, as JPEG.
  /// - Throws: `unavailable` if none is ready: the call has then requested one, and `camera:snapshot` announces it.
  public func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { try host.snapshot(camera) }

  /// The newest picture of a camera, in grey and scaled down, for programs that analyse it themselves.
  /// - Parameters:
  ///   - width: in pixels, from 1 to the width of the camera's small picture, at most 160.
  ///   - height: in pixels; the picture is stretched to this aspect ratio.
  /// - Returns: `width * height` bytes, 0 black to 255 white, row by row; each is the mean of the area it covers.
  /// - Throws: `denied`, `notFound`, `limited` if the picture has fewer pixels, or `unavailable` if none is ready: the call
  ///   has then requested one, and `camera:frame` announces it.
  public func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    try host.frame(camera, width: width, height: height)
  }

  /// Asks a model and waits for its answer. Only agents outside the daemon's own code may wait.
  /// - Parameters:
  ///   - system: the system prompt; empty for none.
  ///   - maxTokens: the answer's most tokens; nil is the model's default.
  /// - Throws: `denied` by the manifest, `limited` by the token budget, `unavailable` if there is no model or it does not
  ///   answer in time, and always for in-process agents.
  public mutating func complete(
    _ prompt: String, system: String = "", maxTokens: Int? = nil
  ) throws(AgentError) -> String {
    #if hasFeature(Embedded)
      return try host.complete(prompt, system: system, maxTokens: maxTokens)
    #else
      return try chat(ModelRequest(prompt: prompt, system: system, maxTokens: maxTokens)).text
    #endif
  }

  /// Asks a model with a whole conversation, tools or a schema, and waits for its answer, as `complete` does.
  ///
  /// A call of a tool is the model's wish: check its name and arguments, carry it out or not, and ask again with the answer
  /// as a message of role `tool`.
  /// - Throws: as `complete`, and `invalid` for a request that is malformed or too long for the model.
  public mutating func chat(_ request: ModelRequest) throws(AgentError) -> ModelAnswer {
    #if hasFeature(Embedded)
      return try host.chat(request)
    #else
      var answer: Result<ModelAnswer, AgentError>?
      let completion = try host.complete(request) { answer = $0 }
      guard let answer else {
        host.cancel(completion)
        throw AgentError(.unavailable, "this agent may not wait for a model")
      }
      return try answer.get()
    #endif
  }

  #if !hasFeature(Embedded)
    /// Asks a model without waiting: the event `agent:answer` brings the answer, with `name`, `text` and `tool_calls`, or
    /// `error` in words. It is for agents in the daemon's own code, which may not wait.
    /// - Parameter name: tells the answers apart.
    /// - Throws: `denied` by the manifest, `unavailable` without a model, `limited` beyond 4 questions at a time.
    public mutating func send(_ request: ModelRequest, as name: String) throws(AgentError) {
      try host.send(request, as: name)
    }

    /// Why a device is as it is: the chain of events that led to its last change, the first cause first; empty if it has
    /// not changed, or the chain is no longer known.
    /// - Throws: `denied` for a device that the manifest does not grant.
    public func why(_ device: String) throws(AgentError) -> [Event] { try host.why(device) }

    /// What the agent may use: its devices with their kinds, units and limits, its manifest's `guide` and `cognition`.
    /// - Throws: `unavailable` where nobody knows.
    public func surroundings() throws(AgentError) -> Value { try host.surroundings() }
  #endif

  /// Publishes an event. Its cause is the current event.
  /// - Parameter type: `domain:verb`; the manifest's `emit` list must allow it.
  @discardableResult
  public mutating func emit(_ type: String, _ payload: Fields = [:]) throws(AgentError) -> ULID {
    try host.emit(type, payload)
  }

  /// Has the event `agent:timer` delivered to this agent once, with the timer's name as `timer` in its payload. It wakes
  /// an agent that does not run.
  ///
  /// Timers outlive the instance. They end when somebody stops the agent, and with the daemon. A timer of the same name is
  /// replaced.
  /// - Parameter delay: from 1 ms to 366 days.
  /// - Throws: `limited` beyond 16 timers, `invalid`.
  public mutating func after(_ delay: Duration, timer: String) throws(AgentError) {
    try host.setTimer(timer, after: delay, repeats: false)
  }

  /// As `after`, again and again until the timer is cancelled. An event that still waits is not joined by another.
  /// - Parameter interval: from 100 ms to 366 days.
  /// - Throws: `limited` beyond 16 timers, `invalid`.
  public mutating func every(_ interval: Duration, timer: String) throws(AgentError) {
    try host.setTimer(timer, after: interval, repeats: true)
  }

  /// Cancels a timer. Does nothing if there is none. An event that waits already is still delivered.
  public mutating func cancel(timer: String) { host.cancelTimer(timer) }

  /// Appends a line to the agent's log.
  public mutating func log(_ message: String, _ level: LogLevel = .info) { host.log(level, message) }

  /// The durable value under `key`; nil if there is none.
  public func state(_ key: String) -> Value? { host.state(key) }

  /// Keeps `value` under `key` across restarts; nil removes it.
  /// - Throws: `limited` if the agent's storage budget is used up.
  public mutating func setState(_ key: String, _ value: Value?) throws(AgentError) {
    try host.setState(key, value)
  }

  /// The contents of a file within the granted paths.
  /// - Throws: `denied`, `notFound`, or `limited` beyond 1 MiB.
  public func file(_ path: String) throws(AgentError) -> [UInt8] { try host.file(path) }
}

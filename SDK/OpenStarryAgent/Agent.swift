/// An agent: a type that handles events, one at a time.
///
/// An instance lives from the agent's start to its stop and keeps its stored properties in between. Data that must
/// survive a restart belongs into `context.state`. `handle` runs on the daemon's only thread, so it must not wait.
public protocol Agent {
  /// Creates an instance when the agent starts, before its first event.
  init()

  /// Handles one event.
  /// - Parameters:
  ///   - event: the event.
  ///   - context: the agent's access to the board; only valid during the call.
  /// - Throws: an error ends the activation. If it is the error of a refused call, the activation counts as refused, and the
  ///   instance continues. Any other error counts as a failure, and the agent's restart policy applies.
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError)

  /// Returns the agent's report, which the projection shows: counters, gauges and state. Called between events.
  /// - Returns: a map; empty by default.
  func snapshot() -> Value
}

extension Agent {
  public func snapshot() -> Value { .map([:]) }
}

/// The error of an agent's call, or of a handler.
public struct AgentError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure.
  public var code: Code
  /// A sentence: the operation, its object, and the cause.
  public var message: String
  /// The time until the same call may succeed: the end of another holder's lease or of `min_off`, or room in a budget. Nil
  /// if unknown, or if waiting does not help.
  public var retryAfter: Duration?

  /// Creates an error.
  public init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  /// `busy: 'fan' is held by client/ada; try again in 25s`.
  public var description: String {
    "\(code.rawValue): \(message)" + (retryAfter.map { "; try again in \($0.rounded)" } ?? "")
  }

  /// Whether the board refused the call: the device has another holder, a limit or the manifest forbids it, or the sensor or
  /// the hardware does not answer. False if the call itself is wrong.
  public var isRefusal: Bool {
    switch code {
    case .denied, .busy, .limited, .unavailable, .failed, .waiting: true
    case .notFound, .invalid: false
    }
  }

  /// The kinds of failure.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The manifest does not grant it.
    case denied
    /// No such device, key or file.
    case notFound = "not-found"
    /// The device has another holder.
    case busy
    /// A limit of the device or a budget forbids it.
    case limited
    /// It exists, and has no data at present.
    case unavailable
    /// The arguments are invalid.
    case invalid
    /// The hardware or the system failed.
    case failed
    /// A person has to approve it first. If one does, it is done then, and `approval:granted` arrives; otherwise
    /// `approval:denied` or `approval:expired`.
    case waiting
  }
}

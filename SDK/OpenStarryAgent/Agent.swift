/// What an agent's author writes: a type that is handed events, one at a time.
///
/// An instance lives from the agent's start to its stop and keeps its stored properties in between; what must
/// survive a restart goes into `context.state`. `handle` runs on the daemon's only thread: it computes, asks, and
/// returns. It never waits.
public protocol Agent {
  /// Makes an instance. Runs when the agent starts, before its first event.
  init()

  /// Handles one event.
  /// - Parameters:
  ///   - event: what happened.
  ///   - context: everything the agent may reach; not to be kept beyond the call.
  /// - Throws: an error ends the activation. What a call was refused with and the agent passes on counts as refused, and the
  ///   instance goes on; any other error counts as failed, and the agent's restart policy decides what follows.
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError)

  /// Counters, gauges and state for the projection that people see; called between events.
  /// - Returns: a map; the default is empty.
  func snapshot() -> Value
}

extension Agent {
  public func snapshot() -> Value { .map([:]) }
}

/// Why a call an agent made did not do what was asked, or why a handler gave up.
public struct AgentError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure, to decide on.
  public var code: Code
  /// One sentence: what was asked, of what, and why not.
  public var message: String
  /// How long until the same call may succeed: until the lease of whoever holds the device ends, until it has rested,
  /// until the budget has room. Nil when nobody knows, and when waiting does not help.
  public var retryAfter: Duration?

  /// Puts an error together.
  public init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  /// `busy: 'fan' is held by client/ada; try again in 25s`.
  public var description: String {
    "\(code.rawValue): \(message)" + (retryAfter.map { "; try again in \($0.rounded)" } ?? "")
  }

  /// Whether it is an answer of the board that a later call may not get: another holds the device, a limit or the manifest
  /// stands against it, the sensor or the hardware does not answer. False for what is wrong with the call itself.
  public var isRefusal: Bool {
    switch code {
    case .denied, .busy, .limited, .unavailable, .failed: true
    case .notFound, .invalid: false
    }
  }

  /// The kinds of failure.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The manifest does not grant it.
    case denied
    /// No such device, key or file.
    case notFound = "not-found"
    /// Somebody else holds it.
    case busy
    /// A limit of the device or of the budget stands against it.
    case limited
    /// It exists, and has nothing to say at present; ask again later.
    case unavailable
    /// The arguments make no sense.
    case invalid
    /// The hardware or the system failed.
    case failed
  }
}

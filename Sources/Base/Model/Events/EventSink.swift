import OpenStarryAgent

/// What led to an event: enough to give the next link its place in the chain.
public struct Cause: Sendable, Hashable {
  /// The event before.
  public var id: ULID
  /// The first event of the chain.
  public var trace: ULID
  /// The depth of the event before.
  public var depth: Int

  /// Puts a cause together.
  public init(id: ULID, trace: ULID, depth: Int) {
    self.id = id
    self.trace = trace
    self.depth = depth
  }

  /// `event` as the cause of what follows from it.
  public init(_ event: Event) { self.init(id: event.id, trace: event.trace, depth: event.depth) }
}

/// Whom an event is handed to, where it is not for everybody. It is kept and shown all the same.
public enum Audience: Sendable, Hashable {
  /// These rules, and no agents.
  case rules(Set<RuleID>)
  /// These agents, and no rules.
  case agents(Set<AgentID>)
}

/// Where the parts of the daemon say what happened.
public protocol EventSink: AnyObject {
  /// Gives the fact an id, a time and its place in the causal chain, keeps it, and hands it to rules and listeners.
  ///
  /// Rules and agents it wakes run after the caller has returned to the loop, never inside this call.
  /// - Parameters:
  ///   - type: `domain:verb`.
  ///   - source: a device id, `agent/<id>`, `rule/<id>`, `client/<name>` or `system`.
  ///   - cause: nil where a chain begins.
  /// - Returns: the event as it was kept.
  @discardableResult
  func publish(_ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields) -> Event

  /// Hands what is published within `work` to `audience` alone.
  func address(_ audience: Audience, _ work: () -> Void)
}

extension EventSink {
  /// Whoever hands nothing on has no audience.
  public func address(_ audience: Audience, _ work: () -> Void) { work() }

  /// The same, with normal priority and no cause unless said otherwise.
  @discardableResult
  public func publish(
    _ type: String, from source: String, cause: Cause? = nil, priority: Priority = .normal, _ payload: Fields = [:]
  ) -> Event {
    publish(type, source: source, cause: cause, priority: priority, payload: payload)
  }
}

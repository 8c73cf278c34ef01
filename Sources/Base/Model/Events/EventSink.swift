import OpenStarryAgent

/// The cause of an event: its position in the causal chain.
package struct Cause: Sendable, Hashable {
  /// The id of the event that caused it.
  package var id: ULID
  /// The id of the first event of the chain.
  package var trace: ULID
  /// The depth of the event that caused it; 0 for the first of the chain.
  package var depth: Int

  /// A cause; see also `init(_:)` for an event at hand.
  package init(id: ULID, trace: ULID, depth: Int) {
    self.id = id
    self.trace = trace
    self.depth = depth
  }

  /// `event` as a cause.
  package init(_ event: Event) { self.init(id: event.id, trace: event.trace, depth: event.depth) }
}

/// The only receivers of an event. It is still kept in the ring and shown to listeners.
package enum Audience: Sendable, Hashable {
  /// Only these rules, and no agents.
  case rules(Set<RuleID>)
  /// Only these agents, and no rules.
  case agents(Set<AgentID>)

  /// No rules and no agents.
  package static var nobody: Audience { .rules([]) }
}

/// The receiver of all events that the parts of the daemon publish.
package protocol EventSink: AnyObject {
  /// Publishes an event: gives it an id, a time and its place in the causal chain, keeps it, and hands it to rules,
  /// agents and listeners.
  ///
  /// Rules and agents run after the caller has returned to the loop, never inside this call.
  /// - Parameters:
  ///   - type: `domain:verb`.
  ///   - source: a device id, `agent/<id>`, `rule/<id>`, `client/<name>` or `system`.
  ///   - cause: the event that led to it; nil for the first event of a chain.
  /// - Returns: the published event, with id and time.
  @discardableResult
  func publish(_ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields) -> Event

  /// Runs `work`; events published in it go only to `audience`.
  /// - Returns: what `work` returns.
  func address<Made>(_ audience: Audience, _ work: () -> Made) -> Made
}

extension EventSink {
  /// Runs `work` without restricting receivers, for sinks that hand no events on.
  package func address<Made>(_ audience: Audience, _ work: () -> Made) -> Made { work() }

  /// Publishes an event, by default with normal priority and without a cause.
  @discardableResult
  package func publish(
    _ type: String, from source: String, cause: Cause? = nil, priority: Priority = .normal, _ payload: Fields = [:]
  ) -> Event {
    publish(type, source: source, cause: cause, priority: priority, payload: payload)
  }
}

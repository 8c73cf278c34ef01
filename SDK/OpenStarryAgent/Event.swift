/// A named fact: something happened, or was measured or decided.
///
/// Every event names its cause, so it can be traced back to the first event of its chain.
public struct Event: Sendable, Hashable {
  /// Sorts by time.
  public var id: ULID
  /// `domain:verb`, e.g. `sensor:temperature`, `input:door`, `git:commit_pushed`.
  public var type: String
  /// Milliseconds since 1970. As accurate as the system clock, so a label, not a measurement.
  public var time: UInt64
  /// Whether the system clock was known to be synchronised when `time` was taken.
  public var clockSynchronised: Bool
  /// Nanoseconds on the monotonic clock (CLOCK_MONOTONIC), comparable within one boot.
  public var monotonic: UInt64
  /// The publisher: a device id, `agent/<id>`, `rule/<id>`, `client/<name>`, `system`.
  public var source: String
  /// The event that caused this one; nil for the first of a chain.
  public var cause: ULID?
  /// The first event of the chain; for the first, its own id.
  public var trace: ULID
  /// The number of events before it in the chain, 0 for the first.
  public var depth: Int
  /// The urgency.
  public var priority: Priority
  /// The event's data, by name.
  public var payload: Fields

  /// Creates an event. Only the event log publishes events.
  public init(
    id: ULID, type: String, time: UInt64 = 0, clockSynchronised: Bool = false, monotonic: UInt64 = 0,
    source: String = "system", cause: ULID? = nil, trace: ULID? = nil, depth: Int = 0,
    priority: Priority = .normal, payload: Fields = [:]
  ) {
    self.id = id
    self.type = type
    self.time = time
    self.clockSynchronised = clockSynchronised
    self.monotonic = monotonic
    self.source = source
    self.cause = cause
    self.trace = trace ?? id
    self.depth = depth
    self.priority = priority
    self.payload = payload
  }

  /// The payload field `name`; nil if there is none.
  public subscript(name: String) -> Value? { payload[name] }
}

/// The urgency of an event or an agent; lower numbers run first.
public enum Priority: Int, Sendable, Hashable, Comparable, CaseIterable {
  case emergency = 0
  case critical = 1
  case high = 2
  case normal = 3
  case low = 4
  case background = 5

  public static func < (left: Priority, right: Priority) -> Bool { left.rawValue < right.rawValue }
}

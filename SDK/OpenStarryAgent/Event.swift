/// A named fact: something happened, was measured, decided or said.
///
/// Every event says what led to it, so that any of them can be traced back to where the chain began.
public struct Event: Sendable, Hashable {
  /// Sorts by time.
  public var id: ULID
  /// `domain:verb`, e.g. `sensor:temperature`, `input:door`, `git:commit_pushed`.
  public var type: String
  /// Milliseconds since 1970: a label, as good as the system clock. Never used to measure.
  public var time: UInt64
  /// Whether the system clock was known to be synchronised when `time` was taken.
  public var clockSynchronised: Bool
  /// Nanoseconds on the monotonic clock (CLOCK_MONOTONIC); compare within one boot only.
  public var monotonic: UInt64
  /// Who said it: a device id, `agent/<id>`, `rule/<id>`, `client/<name>`, `system`.
  public var source: String
  /// The event that led to this one; nil where a chain begins.
  public var cause: ULID?
  /// The first event of the chain; its own id where a chain begins.
  public var trace: ULID
  /// Hops from the first event of the chain, 0 for the first.
  public var depth: Int
  /// How urgent it is.
  public var priority: Priority
  /// What is known about it, by name.
  public var payload: Fields

  /// Puts an event together; only the event log makes events that count.
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

  /// The payload field `name`, or nil.
  public subscript(name: String) -> Value? { payload[name] }
}

/// How urgent an event or an agent is; lower numbers go first.
public enum Priority: Int, Sendable, Hashable, Comparable, CaseIterable {
  case emergency = 0
  case critical = 1
  case high = 2
  case normal = 3
  case low = 4
  case background = 5

  public static func < (left: Priority, right: Priority) -> Bool { left.rawValue < right.rawValue }
}

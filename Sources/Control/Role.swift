/// What a client may do; each role includes those before it.
public enum Role: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Look.
  case view
  /// Act: command actuators, start and end agents, publish events.
  case operate
  /// Change what the daemon is: register agents, reload, stop.
  case admin

  /// `view`, `operate` or `admin`.
  public var name: String { "\(self)" }

  public static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}

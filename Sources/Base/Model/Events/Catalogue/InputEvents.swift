/// Events of inputs.
package enum InputEvents {
  static var all: [EventDeclaration] { [seenDeclaration] }

  private static var seenDeclaration: EventDeclaration {
    EventDeclaration(
      "input:<id>", .high, "an input has changed, or reports its present level: see below",
      [
        .flag("active", "whether it is active now"),
        .text("edge", "`rising`, `falling`, or `none` for a present level"),
        .flag("initial", "whether it reports the present level, without a change"),
        .integer("sequence", "number of the edge, counted from 1; 0 for a present level"),
        .integer("kernel_ns", "ns", "time on the monotonic clock"),
      ],
      example: seen(
        name(of: "door"), isActive: true, edge: "rising", sequence: 1, at: Instant(nanoseconds: 4_000_000_000))
    ) { event in
      guard let isActive = event["active"]?.bool else { return nil }
      if event["initial"]?.bool == true { return "\(event.verb) is \(isActive ? "active" : "not active")" }
      return "\(event.verb) \(isActive ? "pressed" : "released")"
    }
  }

  /// - Parameters:
  ///   - type: the input's `name(of:)`; callers keep it, so that it is not made for every edge.
  ///   - edge: `rising`, `falling`, or `none` for a present level.
  ///   - sequence: number of the edge, counted from 1; 0 for a present level.
  ///   - time: when the edge occurred or the level was read.
  package static func seen(
    _ type: String, isActive: Bool, edge: String, sequence: UInt32, at time: Instant
  ) -> DaemonEvent {
    DaemonEvent(
      seenDeclaration, type: type,
      Fields(uniquePairs: [
        ("active", .bool(isActive)), ("edge", .string(edge)), ("initial", .bool(edge == "none")),
        ("sequence", .int(Int64(sequence))), ("kernel_ns", .int(Int64(clamping: time.nanoseconds))),
      ]))
  }

  /// The name of the events of an input, `input:<id>`.
  package static func name(of input: DeviceID) -> String { "input:\(input)" }

  /// Whether `type` begins with `input:`.
  package static func isName(_ type: String) -> Bool { type.hasPrefix("input:") }
}

import Model

extension Event {
  /// The event on the wire: `docs/control.md`, section 4.1.
  public var fields: Fields {
    Fields(uniquePairs: [
      ("id", .string(id.description)), ("type", .string(type)), ("time", .int(Int64(clamping: time))),
      ("clock_synchronised", .bool(clockSynchronised)), ("monotonic_ns", .int(Int64(clamping: monotonic))),
      ("source", .string(source)), ("cause", cause.map { .string($0.description) } ?? .null),
      ("trace", .string(trace.description)), ("depth", .int(Int64(depth))),
      ("priority", .int(Int64(priority.rawValue))), ("payload", .map(payload)),
    ])
  }

  /// Reads an event from the wire.
  /// - Returns: nil when a mandatory field is missing or of the wrong type.
  public init?(fields: Fields) {
    guard let id = fields["id"]?.string.flatMap(ULID.init), let type = fields["type"]?.string,
      let time = fields["time"]?.int, let trace = fields["trace"]?.string.flatMap(ULID.init),
      let depth = fields["depth"]?.int
    else { return nil }
    self.init(
      id: id, type: type, time: UInt64(clamping: time), clockSynchronised: fields["clock_synchronised"]?.bool ?? false,
      monotonic: UInt64(clamping: fields["monotonic_ns"]?.int ?? 0), source: fields["source"]?.string ?? "system",
      cause: fields["cause"]?.string.flatMap(ULID.init), trace: trace, depth: Int(clamping: depth),
      priority: fields["priority"]?.int.flatMap { Priority(rawValue: Int(clamping: $0)) } ?? .normal,
      payload: fields["payload"]?.map ?? [:])
  }
}

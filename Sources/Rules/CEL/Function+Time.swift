extension Function {
  /// Getters of timestamps and durations (langdef.md, "Timestamps and durations").
  ///
  /// For timestamps an argument names the time zone: `UTC`, `±HH:MM`, or a zone of the scope, such as `Europe/Berlin` (or
  /// `local` in rules).
  static let timeGetters: [Function] = [
    part("getFullYear") { civil, _ in civil.year },
    part("getMonth") { civil, _ in civil.month - 1 },
    part("getDate") { civil, _ in civil.day },
    part("getDayOfMonth") { civil, _ in civil.day - 1 },
    part("getDayOfWeek") { civil, _ in civil.weekday },
    part("getDayOfYear") { civil, _ in civil.dayOfYear },
    part("getHours", ofDuration: { wholeUnits($0, 3600) }) { civil, _ in civil.hour },
    part("getMinutes", ofDuration: { wholeUnits($0, 60) }) { civil, _ in civil.minute },
    part("getSeconds", ofDuration: { wholeUnits($0, 1) }) { civil, _ in civil.second },
    part("getMilliseconds", ofDuration: { $0.components.attoseconds / 1_000_000_000_000_000 }) { _, nanoseconds in
      Int(nanoseconds / 1_000_000)
    },
  ]

  private static func part(
    _ name: String, ofDuration: (@Sendable (Duration) -> Int64)? = nil,
    _ ofTime: @escaping @Sendable (CivilTime, Int64) -> Int
  ) -> Function {
    var overloads = [Overload([.timestamp], .int), Overload([.timestamp, .string], .int)]
    if ofDuration != nil { overloads.append(Overload([.duration], .int)) }
    return method(name, overloads) { (arguments, frame) throws(CELError) in
      switch arguments[0] {
      case .duration(let duration) where arguments.count == 1: return ofDuration.map { .int($0(duration)) }
      case .timestamp(let time):
        var seconds = time.seconds
        if arguments.count == 2 {
          guard case .string(let zone) = arguments[1] else { return nil }
          seconds += try offset(zone, time, &frame)
        }
        return .int(Int64(ofTime(CivilTime(seconds: seconds), time.nanoseconds)))
      default: return nil
      }
    }
  }

  private static func offset(
    _ zone: String, _ time: CELTimestamp, _ frame: inout Frame
  ) throws(CELError) -> Int64 {
    if let seconds = TimeText.zone(named: zone) { return seconds }
    // The scope may have to read a file.
    try frame.charge(64, 0)
    if let offset = frame.scope.utcOffset(zone, at: time) { return offset.components.seconds }
    throw CELError(
      message: "unknown time zone '\(zone)'; there are UTC, ±HH:MM, names such as Europe/Berlin and, in rules, local")
  }

  /// The number of complete units, rounded towards zero.
  private static func wholeUnits(_ duration: Duration, _ seconds: Int64) -> Int64 {
    duration.components.seconds / seconds
  }
}

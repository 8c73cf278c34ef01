// The clock and the storage.
extension SystemEvents {
  static var clock: [EventDeclaration] { [clockSetDeclaration, clockTrustedDeclaration, timeZoneDeclaration] }
  static var storage: [EventDeclaration] { [storageFailedDeclaration, storageRecoveredDeclaration] }

  private static var clockSetDeclaration: EventDeclaration {
    EventDeclaration(
      "system:clock_set", .normal, journal: .notice, "the system clock was set",
      [.integer("by_ms", "ms", "the step; negative is back")], example: clockSet(by: .seconds(-90))
    ) { event in
      let step = event["by_ms"]?.int ?? 0
      let length = Duration.milliseconds(Int64(clamping: step.magnitude)).text
      return "the clock was set \(step < 0 ? "back" : "forward") by \(length)"
    }
  }

  /// - Parameter step: the step; negative is back.
  package static func clockSet(by step: Duration) -> DaemonEvent {
    DaemonEvent(clockSetDeclaration, Fields(uniquePairs: [("by_ms", .int(step.nanoseconds / 1_000_000))]))
  }

  private static var clockTrustedDeclaration: EventDeclaration {
    EventDeclaration(
      "system:clock_trusted", .normal, journal: .notice,
      "the clock is trusted from now on, and rules may use it",
      [.flag("synchronised", "true: it is synchronised; false: a clock chip shows the same time")],
      example: clockTrusted(isSynchronised: true)
    ) { event in
      let why = event["synchronised"]?.bool == true ? "it is synchronised" : "a clock chip shows the same time"
      return "the clock is trusted from now on: \(why)"
    }
  }

  /// - Parameter isSynchronised: whether the clock is synchronised; false if a clock chip shows the same time.
  package static func clockTrusted(isSynchronised: Bool) -> DaemonEvent {
    DaemonEvent(clockTrustedDeclaration, Fields(uniquePairs: [("synchronised", .bool(isSynchronised))]))
  }

  private static var timeZoneDeclaration: EventDeclaration {
    EventDeclaration(
      "system:time_zone", .normal, journal: .notice, "the time zone has changed, or daylight saving begins or ends",
      [.integer("utc_offset_s", "s", "how far local time is ahead of UTC")], example: timeZone(utcOffset: 7200)
    ) { event in "local time is \(zone(event["utc_offset_s"]?.int ?? 0)) from now on" }
  }

  /// `UTC+05:30`.
  private static func zone(_ offset: Int64) -> String {
    func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let minutes = offset.magnitude / 60
    return "UTC\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
  }

  /// - Parameter utcOffset: seconds that local time is ahead of UTC.
  package static func timeZone(utcOffset: Int) -> DaemonEvent {
    DaemonEvent(timeZoneDeclaration, Fields(uniquePairs: [("utc_offset_s", .int(Int64(utcOffset)))]))
  }

  private static var storageFailedDeclaration: EventDeclaration {
    EventDeclaration(
      "system:storage_failed", .critical, journal: .critical,
      "changes that must survive a restart could not be written to the disk; writing them is retried",
      [.text("error", "why, in words"), .integer("waiting", "number of waiting changes")],
      example: storageFailed(error: "database or disk is full", waiting: 3)
    ) { event in
      let waiting = event["waiting"]?.int.map { " (\($0) change(s) wait)" } ?? ""
      return "changes cannot be written to the disk, and would not survive a restart\(waiting)\(event.because)"
    }
  }

  /// - Parameters:
  ///   - error: why, in words.
  ///   - waiting: number of waiting changes.
  package static func storageFailed(error: String, waiting: Int) -> DaemonEvent {
    DaemonEvent(
      storageFailedDeclaration, Fields(uniquePairs: [("error", .string(error)), ("waiting", .int(Int64(waiting)))]))
  }

  private static var storageRecoveredDeclaration: EventDeclaration {
    EventDeclaration(
      "system:storage_recovered", .normal, journal: .notice, "all waiting changes are on the disk", [],
      example: storageRecovered()
    ) { _ in "changes are written to the disk again" }
  }

  /// All waiting changes are on the disk.
  package static func storageRecovered() -> DaemonEvent { DaemonEvent(storageRecoveredDeclaration, [:]) }
}

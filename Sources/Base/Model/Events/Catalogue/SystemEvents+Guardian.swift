// The guardian of the outputs.
extension SystemEvents {
  static var guardian: [EventDeclaration] {
    [
      guardianLostDeclaration, guardianBackDeclaration, guardianDeafDeclaration, guardianReportDeclaration,
      guardianOverruledDeclaration,
    ]
  }

  private static var guardianLostDeclaration: EventDeclaration {
    EventDeclaration(
      "system:guardian_lost", .high, journal: .error, "outputs are without a guardian",
      [.text("reason", "why, in words")],
      example: guardianLost(reason: "its process ended")
    ) { event in "outputs are without a guardian\(event.because)" }
  }

  /// - Parameter reason: why, in words.
  package static func guardianLost(reason: String) -> DaemonEvent {
    DaemonEvent(guardianLostDeclaration, Fields(uniquePairs: [("reason", .string(reason))]))
  }

  private static var guardianBackDeclaration: EventDeclaration {
    EventDeclaration(
      "system:guardian_back", .normal, journal: .notice, "outputs have a guardian again",
      [.integer("pid", "the guardian's process id")], example: guardianBack(pid: 4711)
    ) { _ in "outputs have a guardian again" }
  }

  /// - Parameter pid: the guardian's process id.
  package static func guardianBack(pid: Int) -> DaemonEvent {
    DaemonEvent(guardianBackDeclaration, Fields(uniquePairs: [("pid", .int(Int64(pid)))]))
  }

  private static var guardianDeafDeclaration: EventDeclaration {
    EventDeclaration(
      "system:guardian_deaf", .high, journal: .error, "the guardian of the previous daemon does not answer",
      [.integer("pid", "its process id; null if unknown").orNull, .flag("ended", "whether it could be killed")],
      example: guardianDeaf(pid: 4711, hasEnded: true)
    ) { event in
      let process = event["pid"]?.int.map { " (process \($0))" } ?? ""
      return "the previous daemon's guardian\(process) does not answer, and "
        + (event["ended"]?.bool == true
          ? "was killed: nothing is taken over from it"
          : "cannot be killed: it may keep outputs from this daemon, or drive them later")
    }
  }

  /// - Parameters:
  ///   - pid: the guardian's process id; nil if unknown.
  ///   - hasEnded: whether it could be killed.
  package static func guardianDeaf(pid: Int?, hasEnded: Bool) -> DaemonEvent {
    DaemonEvent(
      guardianDeafDeclaration,
      Fields(uniquePairs: [("pid", pid.map { .int(Int64($0)) } ?? .null), ("ended", .bool(hasEnded))]))
  }

  /// A guardian's treatment of one output.
  package struct GuardedOutput {
    let fields: Fields

    /// - Parameters:
    ///   - outcome: `safe`, `held` (kept as it was for the next daemon) or `failed`.
    ///   - holder: the holder and its level, 0 to 1; nil for an output without a holder.
    ///   - error: why it failed, in words; nil if it did not.
    package init(_ device: String, outcome: String, holder: (name: String, level: Double)?, error: String?) {
      var fields = Fields(uniquePairs: [("device", .string(device)), ("outcome", .string(outcome))])
      fields.add("holder", holder.map { .string($0.name) })
      fields.add("level", holder.map { .double($0.level) })
      fields.add("error", error.map { .string($0) })
      self.fields = fields
    }
  }

  private static var guardianReportDeclaration: EventDeclaration {
    EventDeclaration(
      "system:guardian_report", .high, journal: .error,
      "the previous daemon died or stopped, and its guardian reports on the outputs",
      [
        .integer("daemon", "the process id of the previous daemon"),
        .flag("left", "whether it stopped in good order and left outputs that refused to be safe or are still driven"),
        .integer("count", "number of outputs"),
        .list("outputs", "those that were held or failed: `device`, `outcome`, `holder`, `level`, `error`"),
        .integer("took_us", "µs", "from the daemon's death until all outputs were handled"),
        .integer("ago_ms", "ms", "how long ago the daemon died"),
      ],
      example: guardianReport(
        daemon: 4700, wasLeft: false, count: 3,
        [GuardedOutput("fan", outcome: "safe", holder: ("agent/climate", 1), error: nil)],
        took: .microseconds(900), ago: .seconds(2))
    ) { event in report(event) }
  }

  private static func report(_ event: Event) -> String {
    let outputs: [String] = (event["outputs"]?.list ?? []).map { output in
      let fields = output.map ?? [:]
      let holder = fields["holder"]?.string.map { " was held by \($0.printable)" } ?? ""
      let fate =
        switch fields["outcome"]?.string {
        case "held": "is kept as it was for this daemon"
        case "failed": "is NOT SAFE: \(fields["error"]?.string?.printable ?? "-")"
        default: "is safe"
        }
      let and = holder.isEmpty ? "" : "\(holder) and"
      return "\(fields["device"]?.string?.printable ?? "-")\(and) \(fate)"
    }
    let daemon = event["daemon"].map { " (process \($0.text()))" } ?? ""
    let time = event["took_us"]?.int.map { " in \(Duration.microseconds($0).text)" } ?? ""
    let rest = outputs.isEmpty ? "" : ": \(outputs.prefix(12).joined(separator: "; "))"
    let count = event.shown("count")
    guard event["left"]?.bool != true else {
      return "the previous daemon\(daemon) stopped and left its guardian \(count) outputs\(rest)"
    }
    return "the previous daemon\(daemon) died; its guardian handled \(count) outputs\(time)\(rest)"
  }

  /// - Parameters:
  ///   - daemon: the process id of the previous daemon.
  ///   - wasLeft: whether that stopped in good order.
  ///   - count: number of its outputs.
  ///   - outputs: those that were held or failed.
  ///   - took: from the daemon's death until all outputs were handled.
  ///   - ago: how long ago the daemon died.
  package static func guardianReport(
    daemon: Int, wasLeft: Bool, count: Int, _ outputs: [GuardedOutput], took: Duration, ago: Duration
  ) -> DaemonEvent {
    DaemonEvent(
      guardianReportDeclaration,
      Fields(uniquePairs: [
        ("daemon", .int(Int64(daemon))), ("left", .bool(wasLeft)), ("count", .int(Int64(count))),
        ("outputs", .list(outputs.map { .map($0.fields) })), ("took_us", .int(took.nanoseconds / 1000)),
        ("ago_ms", .int(ago.nanoseconds / 1_000_000)),
      ]))
  }

  private static var guardianOverruledDeclaration: EventDeclaration {
    EventDeclaration(
      "system:guardian_overruled", .high, journal: .error,
      "the daemon did not answer, and the guardian has ended a lease",
      [
        .device, .text("holder", "the holder"), .integer("late_ms", "ms", "how long the lease had been over"),
        .integer("ago_ms", "ms", "how long ago the guardian acted"),
        .integer("error", "the errno of making it safe; null for success").orNull,
      ],
      example: guardianOverruled(
        "fan", holder: "agent/climate", late: .milliseconds(251), ago: .seconds(2), errno: 5)
    ) { event in
      let device = event.subject("device")
      let fate = event["error"]?.int.map { "could NOT make \(device) safe (error \($0))" } ?? "made \(device) safe"
      let late = event.span("late").map { " \($0)" } ?? ""
      return "the daemon did not answer: its guardian \(fate), held by \(event.text("holder")),\(late)"
        + " after its lease had ended"
    }
  }

  /// - Parameters:
  ///   - holder: the holder of the output.
  ///   - late: how long the lease had been over.
  ///   - ago: how long ago the guardian acted.
  ///   - errno: the errno of making it safe; nil for success.
  package static func guardianOverruled(
    _ device: DeviceID, holder: String, late: Duration, ago: Duration, errno: Int?
  ) -> DaemonEvent {
    DaemonEvent(
      guardianOverruledDeclaration,
      Fields(uniquePairs: [
        ("device", .string(device.rawValue)), ("holder", .string(holder)),
        ("late_ms", .int(late.nanoseconds / 1_000_000)), ("ago_ms", .int(ago.nanoseconds / 1_000_000)),
        ("error", errno.map { .int(Int64($0)) } ?? .null),
      ]))
  }
}

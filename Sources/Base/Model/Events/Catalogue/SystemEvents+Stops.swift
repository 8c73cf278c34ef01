// Emergency stops.
extension SystemEvents {
  static var emergencyStops: [EventDeclaration] {
    [emergencyStopDeclaration, emergencyStopClearedDeclaration, stopNotKeptDeclaration, stopKeptDeclaration]
  }

  private static var emergencyStopDeclaration: EventDeclaration {
    EventDeclaration(
      "system:emergency_stop", .emergency, journal: .alert,
      "every output goes safe, and nothing moves until it is cleared",
      [
        .text("by", "`client/<name>`, or the device id of a stop input"),
        .text("reason", "why").orNull,
      ],
      example: emergencyStop(by: "client/ada", reason: "smoke")
    ) { event in "EMERGENCY STOP by \(event.subject("by"))\(event.reason)" }
  }

  /// - Parameters:
  ///   - by: `client/<name>`, or the device id of a stop input.
  ///   - reason: why; nil if the client gave none.
  package static func emergencyStop(by: String, reason: String?) -> DaemonEvent {
    DaemonEvent(
      emergencyStopDeclaration,
      Fields(uniquePairs: [("by", .string(by)), ("reason", reason.map { .string($0) } ?? .null)]))
  }

  private static var emergencyStopClearedDeclaration: EventDeclaration {
    EventDeclaration(
      "system:emergency_stop_cleared", .emergency, journal: .notice,
      "commands go through again; nothing moves by itself",
      [.text("by", "`client/<name>`")], example: emergencyStopCleared(by: "client/ada")
    ) { event in "emergency stop cleared by \(event.subject("by"))" }
  }

  /// - Parameter by: `client/<name>`.
  package static func emergencyStopCleared(by: String) -> DaemonEvent {
    DaemonEvent(emergencyStopClearedDeclaration, Fields(uniquePairs: [("by", .string(by))]))
  }

  private static var stopNotKeptDeclaration: EventDeclaration {
    EventDeclaration(
      "system:stop_not_kept", .critical,
      "an emergency stop, or its end, could not be written to the disk and would not survive a restart",
      [.flag("stopped", "true for the stop, false for its end"), .text("error", "why, in words")],
      example: stopNotKept(stopped: true, error: "write: No space left on device")
    ) { event in
      let what = event["stopped"]?.bool == false ? "the END OF the emergency stop" : "the EMERGENCY STOP"
      return "\(what) would NOT survive a restart; writing it is retried\(event.because)"
    }
  }

  /// - Parameters:
  ///   - stopped: true for the stop, false for its end.
  ///   - error: why, in words.
  package static func stopNotKept(stopped: Bool, error: String) -> DaemonEvent {
    DaemonEvent(stopNotKeptDeclaration, Fields(uniquePairs: [("stopped", .bool(stopped)), ("error", .string(error))]))
  }

  private static var stopKeptDeclaration: EventDeclaration {
    EventDeclaration(
      "system:stop_kept", .normal, journal: .notice, "an emergency stop, or its end, is on the disk after all",
      [.flag("stopped", "true for the stop, false for its end")], example: stopKept(stopped: true)
    ) { event in
      let what = event["stopped"]?.bool == false ? "the end of the emergency stop" : "the emergency stop"
      return "\(what) is on the disk now, and survives a restart"
    }
  }

  /// - Parameter stopped: true for the stop, false for its end.
  package static func stopKept(stopped: Bool) -> DaemonEvent {
    DaemonEvent(stopKeptDeclaration, Fields(uniquePairs: [("stopped", .bool(stopped))]))
  }
}

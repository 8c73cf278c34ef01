import Model

/// A person has let an asker repeat a command for some time: the same or less of it.
struct Permit {
  /// The approval.
  let id: ULID
  let by: String
  let asker: String
  /// The session of a program that acts for a model or a person; nil if it does not end with one.
  let session: UInt64?
  let end: Instant
  var device: DeviceID { asked.device }
  private let asked: ApprovalEvents.Command

  init(of approval: Approval, by: String, until end: Instant) {
    id = approval.id
    self.by = by
    asked = approval.asked
    asker = approval.asked.asker
    // A person's next command comes in another session.
    session = Party(of: asker) == .people ? nil : approval.request.session
    self.end = end
  }

  /// Whether a command is the same or less: not farther from the safe state, not longer, not another's output.
  func covers(_ command: ApprovalEvents.Command, _ settings: ActuatorSettings) -> Bool {
    func length(_ command: ApprovalEvents.Command) -> Duration { command.pulse ?? command.lease ?? settings.lease }
    return command.asker == asker && command.device == asked.device && !command.override
      && (command.pulse == nil) == (asked.pulse == nil) && length(command) <= length(asked)
      && abs(command.level - settings.safe) <= abs(asked.level - settings.safe)
      && (command.level - settings.safe) * (asked.level - settings.safe) >= 0
  }
}

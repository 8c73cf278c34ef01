import Model

/// A command that waits for a person, or has waited. What it asks for never changes, so its id stands for all of it.
package struct Approval: Sendable, Hashable {
  /// The id of its event `approval:waiting`.
  package let id: ULID
  /// What would be done.
  package let asked: ApprovalEvents.Command
  /// The command itself.
  let command: ActuatorCommand
  /// On whose behalf, with the permissions of that moment.
  let principal: Principal
  /// What went with it.
  package let request: ApprovalRequest
  /// The chain that it belongs to.
  let cause: Cause
  /// When it began to wait, in ms since 1970.
  package let time: UInt64
  /// The same on the monotonic clock.
  let begun: Instant
  /// When it expires.
  package let expires: Instant
  /// What has become of it.
  package internal(set) var state = State.waiting

  /// What becomes of a command.
  package enum State: Sendable, Hashable {
    case waiting
    /// Somebody approved it, and the gate has taken it.
    case approved(by: String)
    case denied(by: String, why: String?)
    /// Nobody decided in time, or before the daemon restarted.
    case expired
    /// Its asker has ended, an emergency stop has begun, the gate has refused it after all; in words.
    case void(String)

    /// `waiting`, `approved`, `denied`, `expired` or `void`.
    package var name: String {
      switch self {
      case .waiting: "waiting"
      case .approved: "approved"
      case .denied: "denied"
      case .expired: "expired"
      case .void: "void"
      }
    }
  }

  /// Whether nobody has decided yet.
  package var isWaiting: Bool { state == .waiting }

  /// For the disk.
  package var stored: Value { .map(asked.fields) }

  /// For lists.
  /// - Parameter now: the monotonic time.
  package func fields(at now: Instant) -> Fields {
    var fields = asked.fields
    fields["approval"] = .string(id.description)
    fields["time"] = .int(Int64(clamping: time))
    fields["state"] = .string(state.name)
    switch state {
    case .waiting: fields["expires_ms"] = .int(max(0, (expires - now).nanoseconds / 1_000_000))
    case .approved(let by): fields["by"] = .string(by)
    case .denied(let by, let why):
      fields["by"] = .string(by)
      if let why { fields["why"] = .string(why) }
    case .void(let why): fields["why"] = .string(why)
    case .expired: break
    }
    return fields
  }
}

extension ApprovalEvents.Command {
  /// Whether it asks for the same, whatever reason it gives.
  func isSameCommand(as other: Self) -> Bool {
    var (mine, others) = (self, other)
    (mine.reason, others.reason) = (nil, nil)
    return mine == others
  }
}

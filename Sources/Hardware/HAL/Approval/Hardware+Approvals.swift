import Model

extension Hardware {
  /// Why an approval cannot be given.
  package enum ApprovalError: Error, Sendable, Hashable {
    /// No such command waits. `state` is what became of it; nil when it is not known.
    case notWaiting(ULID, state: String?)
    /// The asker's own user may not approve it.
    case isOwn(ULID)
    /// The gate refuses the command by now.
    case refused(HALError)
  }

  /// Approves a command that waits: it passes the whole gate again, and its lease begins now.
  /// - Parameters:
  ///   - by: who approves: `client/ada`, or the device id of an input.
  ///   - user: that person's user; nil for an input.
  ///   - time: how long the asker may repeat the command, or one to a lower level, without asking; nil for once.
  /// - Returns: the receipt.
  package func approve(
    _ id: ULID, by: String, user: UInt32?, for time: Duration? = nil
  ) throws(ApprovalError) -> Receipt {
    let approval = try undecided(id)
    if let user, approval.principal.user == user { throw .isOwn(id) }
    let asked = approval.asked
    let event = events.publish(
      ApprovalEvents.granted(id, asked, by: by, for: time), from: by, cause: approval.cause)
    var principal = approval.principal
    principal.needsNoApproval = true
    do throws(HALError) {
      let receipt = try controlActuator(
        asked.device, approval.command, lease: asked.lease, as: principal, cause: Cause(event),
        override: asked.override)
      if let time { approvals.permit(approval, by: by, for: time) }
      approvals.onGranted(approval)
      approvals.end(id, .approved(by: by))
      return receipt
    } catch {
      approvals.end(id, .void("it is refused by now: \(error.sentence)"))
      throw .refused(error)
    }
  }

  /// Denies a command that waits: the asker is refused the same output for some time. One that the asker may repeat it may
  /// not any more.
  /// - Parameter why: what that person says; nil for nothing.
  package func deny(_ id: ULID, by: String, why: String?) throws(ApprovalError) {
    if approvals.withdraw(id, by: by) { return }
    _ = try undecided(id)
    approvals.end(id, .denied(by: by, why: why))
  }

  /// How long a command has waited at least when a key at the board approves it.
  private static var readingTime: Duration { .seconds(1) }

  private func undecided(_ id: ULID) throws(ApprovalError) -> Approval {
    if let approval = approvals.waiting.first(where: { $0.id == id }) { return approval }
    throw .notWaiting(id, state: approvals.decided.last { $0.id == id }?.state.name)
  }

  /// Lets inputs named by `approve_with` approve the one command that waits for an output of theirs. With several that wait
  /// nobody could know which one is meant; and what has begun to wait only just now nobody has read.
  func watchApprovals() {
    let outputs = actuators.compactMap { channel in channel.settings.approval?.input.map { ($0, channel.device.id) } }
    for (input, outputs) in Dictionary(grouping: outputs, by: \.0) {
      guard case .input(let channel) = channels[input] else { continue }
      let devices = outputs.map(\.1)
      channel.onPress = { [weak self] pressed in
        guard let self else { return }
        let due = approvals.waiting.filter { devices.contains($0.asked.device) }
        if due.count == 1, let one = due.first, one.begun + Self.readingTime <= pressed {
          _ = try? approve(one.id, by: input.rawValue, user: nil)
        }
      }
    }
  }
}

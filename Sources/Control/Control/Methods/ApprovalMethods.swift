import HAL
import Model
import RPC

extension ControlMethods {
  /// Commands that wait for a person (1.8).
  static let approvalMethods: [Method<Call>] = [
    Method(
      "approvals.list", .view,
      "Lists the commands that wait for a person, and the latest that did, oldest first. A restricted session gets its own.",
      result: "`{\"approvals\": [approval (4.19)]}`"
    ) { call throws(RPCError) in
      ["approvals": .list(call.approvals.map { .map(call.row($0)) })]
    },
    Method(
      "approvals.wait", .view, "Answers when somebody has decided about a command, or when the time is over.",
      .approval, Parameter.optional("wait_ms", .integer(0...60_000), default: 30_000, "how long to wait at most"),
      result:
        "an approval (4.19); in the state `waiting` when the time is over. In the state `approved` it has `receipt`: the "
        + "receipt (4.6), or null if the output has changed since", errors: [.notFound], wait),
    Method(
      "approvals.approve", .view,
      "Approves a command: it passes the whole gate again, and its lease begins. Only for approvers (1.8), and not for the "
        + "user that asks.", .approval,
      Parameter.optional(
        "for_ms", .integer(1...86_400_000),
        "how long the asker may repeat the command, or one to a lower level, without asking; by default not at all"),
      result: "a receipt (4.6)",
      errors: [.notFound, .deviceBusy, .deviceLimited, .deviceInvalid, .deviceUnavailable, .deviceFailed],
      isCommand: true, approve),
    Method(
      "approvals.deny", .view,
      "Denies a command: for two minutes its asker is refused the same output. One that its asker may repeat it may not any "
        + "more. Only for approvers (1.8).", .approval,
      Parameter.optional("why", .words, "what the asker is told"), result: "an approval (4.19)", errors: [.notFound],
      isCommand: true
    ) { call, id, why throws(RPCError) in
      try call.requireApprover()
      do throws(Hardware.ApprovalError) {
        try call.services.hardware.deny(id, by: call.client.source, why: why)
      } catch { throw call.refusal(error) }
      return .map(call.row(try call.approval(id)))
    },
  ]

  @Sendable private static func wait(_ call: Call, _ id: ULID, _ milliseconds: Int64) throws(RPCError) -> Value? {
    let approval = try call.approval(id)
    guard approval.isWaiting, milliseconds > 0 else { return .map(call.fields(approval)) }
    let (approvals, time) = (call.services.hardware.approvals, call.server.time)
    var timer: TimerID?
    let listener = approvals.whenDecided(id) { approval in
      if let timer { time.cancel(timer) }
      call.answer(.success(.map(call.fields(approval))))
    }
    timer = time.schedule(after: .milliseconds(milliseconds)) {
      approvals.endListen(listener)
      call.answer(.success(.map(approval.fields(at: call.now))))
    }
    return nil
  }

  @Sendable private static func approve(_ call: Call, _ id: ULID, _ time: Int64?) throws(RPCError) -> Value? {
    try call.requireApprover()
    let asked = try call.approval(id).asked
    let (device, asker) = (asked.device, asked.asker)
    let former = call.services.hardware.output(device)?.holder
    let receipt: Receipt
    do throws(Hardware.ApprovalError) {
      receipt = try call.services.hardware.approve(
        id, by: call.client.source, user: call.client.uid, for: time.map { .milliseconds($0) })
    } catch { throw call.refusal(error) }
    answer(call, device, receipt, former: former == asker ? nil : former)
    return nil
  }
}

extension Parameter where Argument == ULID {
  fileprivate static var approval: Self { .required("approval", .eventID, "its id", aliases: ["id"]) }
}

extension Call {
  /// Those that the caller may know of.
  fileprivate var approvals: [Approval] {
    services.hardware.approvals.all.filter { client.restriction == nil || $0.asked.asker.isSame(as: client.source) }
  }

  fileprivate func row(_ approval: Approval) -> Fields {
    var fields = approval.fields(at: now)
    if let time = services.hardware.approvals.permitted(approval.id) {
      fields["permitted_ms"] = .int(time.nanoseconds / 1_000_000)
    }
    return fields
  }

  fileprivate func approval(_ id: ULID) throws(RPCError) -> Approval {
    if let approval = approvals.last(where: { $0.id == id }) { return approval }
    throw RPCError(
      .notFound, "no approval '\(id)' is known",
      hint: "'openstarry approvals' lists what waits, and the latest decisions (approvals.list)")
  }

  /// An approval, and what the command has led to.
  fileprivate func fields(_ approval: Approval) -> Fields {
    var fields = approval.fields(at: now)
    guard case .approved = approval.state else { return fields }
    let id = approval.asked.device
    fields["receipt"] = .null
    if let output = services.hardware.output(id), output.holder == approval.asked.asker {
      fields["receipt"] = [
        "device": .string(id.rawValue), "state": .double(output.commanded),
        "confirmed": .bool(output.level == output.commanded),
        "lease_ms": output.leaseEnds.map { .int(max(0, ($0 - now).nanoseconds / 1_000_000)) } ?? .null, "board": board,
      ]
    }
    return fields
  }

  fileprivate func requireApprover() throws(RPCError) {
    guard client.isApprover, client.restriction == nil else {
      throw RPCError(
        .permissionDenied, "'\(client.user)' may not approve commands",
        data: ["role": .string(client.role.name), "required": "approver"],
        hint: "members of the group 'groups.approve' in openstarry.yaml may, and root")
    }
  }

  fileprivate func refusal(_ error: Hardware.ApprovalError) -> RPCError {
    switch error {
    case .notWaiting(let id, let state):
      RPCError(
        .notFound, "approval '\(id)' does not wait" + (state.map { ": it is \($0)" } ?? ""),
        hint: "'openstarry approvals' lists what does (approvals.list)")
    case .isOwn(let id):
      RPCError(
        .permissionDenied, "approval '\(id)' was asked for by a program of the same user",
        data: ["role": .string(client.role.name), "required": "approver"], hint: "another approver has to decide")
    case .refused(let error): refusal(error)
    }
  }
}

import HAL
import Linux
import Model
import Projection
import RPC
import Wire

extension Parameter where Argument == DeviceID {
  static func device(_ meaning: String, aliases: [String] = []) -> Self {
    .required("device", .device, meaning, aliases: ["id"] + aliases)
  }
}

extension Call {
  /// Calls the hardware layer, and converts its errors.
  func hardware<Result>(_ ask: (Hardware) throws(HALError) -> Result) throws(RPCError) -> Result {
    do throws(HALError) {
      return try ask(services.hardware)
    } catch {
      throw refusal(error)
    }
  }

  func refusal(_ error: HALError) -> RPCError { RPCError(error, at: now) }
}

extension ControlMethods {
  /// The time-out for the hardware's confirmation of a command.
  static let patience = Duration.seconds(2)

  private static let commandErrors: [RPCError.Code] = [
    .deviceNotFound, .deviceDenied, .deviceBusy, .deviceLimited, .deviceInvalid, .deviceUnavailable, .deviceFailed,
    .approvalNeeded,
  ]
  private static let cameraErrors: [RPCError.Code] = [
    .deviceNotFound, .deviceDenied, .deviceUnavailable, .deviceFailed,
  ]

  static let hardwareRead = Method<Call>(
    "hal.read", .view, "The same as `getSensorData`.",
    .device("which sensor or input", aliases: ["sensor"]), result: "a reading (4.5)",
    errors: [.deviceNotFound, .deviceDenied, .deviceInvalid, .deviceUnavailable, .deviceFailed]
  ) { call, id throws(RPCError) in
    call.services.hardware.getSensorData(id, as: call.client.principal) { outcome in
      switch outcome {
      case .success(let reading):
        let fields = reading.fields(at: call.now)
        call.answer(.success(.map(Fields([("device", .string(id.rawValue))] + fields.map { ($0.key, $0.value) }))))
      case .failure(let error): call.answer(.failure(call.refusal(error)))
      }
    }
    return nil
  }

  static let hardwareControl = Method<Call>(
    "hal.control", .operate, "The same as `controlActuator`.",
    .device("which actuator", aliases: ["actuator"]),
    Parameter.required("command", .command, "the command (4.7)"),
    // At most a year.
    Parameter.optional(
      "lease_ms", .integer(1...31_536_000_000),
      "how long the actuator may stay away from its safe state; by default the lease in the board file"),
    Parameter.optional(
      "hold", .boolean,
      "whether the lease outlives this connection (4.11); by default `true` with `lease_ms`, otherwise `false`"),
    Parameter.optional(
      "override", .boolean, default: false,
      "whether to take the actuator over from its holder, which requires role admin; the safe state needs no override"),
    Parameter.optional("reason", .words, "what a person is told who has to approve the command (1.8)"),
    result:
      "a receipt (4.6); if the command keeps rules off the actuator, with `warning`: why it would not after a restart "
      + "(or null)", errors: commandErrors, isCommand: true, control)

  @Sendable private static func control(
    _ call: Call, _ id: DeviceID, _ command: ActuatorCommand, leaseTime: Int64?, hold: Bool?, override: Bool,
    reason: String?
  ) throws(RPCError) -> Value? {
    if override { try call.client.role.require(.admin, to: "take an actuator over") }
    let lease = leaseTime.map { Duration.milliseconds($0) }
    let holder = call.services.hardware.device(id)?.holder
    let request = ApprovalRequest(
      reason: reason, session: try call.openSession().number,
      outlives: call.client.restriction == nil && hold ?? (lease != nil))
    let receipt = try call.hardware { hardware throws(HALError) in
      try hardware.controlActuator(
        id, command, lease: lease, as: call.client.principal, cause: call.cause, override: override, request: request)
    }
    // A person keeps rules off for as long as the safe state is wanted.
    if let lease, call.client.restriction == nil, call.services.hardware.isSafe(command, for: id) {
      call.services.rules.suspendClaims(on: id, by: call.client.source, for: lease)
    }
    let granted = call.services.hardware.lease(of: id)
    let outlives = granted == nil || request.outlives
    let session = outlives ? nil : try call.openSession().number
    call.server.leases.note(id, endsWith: session, holder: call.client.source)
    call.services.hardware.noteLease(id, endsWithConnection: session != nil)
    answer(call, id, receipt, former: holder == call.client.principal.name ? nil : holder)
    return nil
  }

  /// Answers with a receipt when the hardware has confirmed the command, or has not within the time-out.
  /// - Parameter former: who held the output before.
  static func answer(_ call: Call, _ id: DeviceID, _ receipt: Receipt, former: String?) {
    let granted = call.services.hardware.lease(of: id)
    let isSafe = granted == nil
    var answer = receipt.fields(id, granted, former: former, board: call.board)
    call.services.hardware.confirm([id], within: patience) { refusals in
      guard let refusal = refusals.first else {
        answer["confirmed"] = true
        // If the confirmation came after the command, so did the event of the change.
        if !receipt.isConfirmed, receipt.state != receipt.previous,
          let change = call.services.hardware.lastChange(of: id)
        {
          answer["id"] = .string(change.description)
        }
        if call.services.rules.isSuspended(id) {
          _ = call.answerWhenStored(answer)
        } else {
          call.answer(.success(.map(answer)))
        }
        return
      }
      if case .failed = refusal.why { return call.answer(.failure(call.refusal(refusal.why))) }
      answer["confirmed"] = false
      if isSafe { answer["not_safe"] = .string("\(refusal.why)") }
      call.answer(.success(.map(answer)))
    }
  }

  static let getCameraStream = Method<Call>(
    "getCameraStream", .view, "Streams a camera's pictures as `camera.frame` notifications, each with a descriptor.",
    .device("which camera", aliases: ["camera"]),
    Parameter.optional("rate", .number, "the greatest number of frames a second; by default all frames"),
    result: "`{\"subscription\": N}`", errors: cameraErrors
  ) { call, id, rate throws(RPCError) in
    let session = try call.openSession()
    let subscription = try session.subscribe(call.request.dialect)
    let hardware = call.services.hardware
    do throws(HALError) {
      let stream = try hardware.getCameraStream(
        id, as: call.client.principal, maxRate: rate
      ) { [weak session, weak subscription] frame in
        if let session, let subscription { send(frame, of: id, to: session, subscription) }
        return true
      }
      subscription.end = { hardware.endStream(stream) }
    } catch {
      _ = session.unsubscribe(subscription.number)
      throw call.refusal(error)
    }
    return ["subscription": .int(subscription.number)]
  }

  /// Sends a frame, or drops it if the client has not read earlier ones.
  private static func send(
    _ frame: Frame, of device: DeviceID, to session: any Session, _ subscription: Subscription
  ) {
    guard session.hasCaughtUp(butFor: 2),
      let file = try? MemoryFile.sealed("openstarry-frame", frame.bytes)
    else {
      subscription.missed += 1
      return
    }
    let missed = subscription.missed
    subscription.missed = 0
    session.notify(
      subscription, "camera.frame",
      [
        "device": .string(device.rawValue), "sequence": .int(Int64(frame.sequence)),
        "time_ns": .int(Int64(clamping: frame.time.nanoseconds)), "format": .string(frame.format.pixels.rawValue),
        "width": .int(Int64(frame.format.width)), "height": .int(Int64(frame.format.height)),
        "bytes": .int(Int64(frame.bytes.count)), "missed": .int(Int64(clamping: missed)), "descriptor": true,
      ], with: file)
  }

  static let hardwareMethods: [Method<Call>] = [
    Method(
      "hal.devices", .view, "Lists the board's devices with their state.",
      result: "`{\"devices\": [device (4.4)]}`"
    ) { call throws(RPCError) in
      let rows = call.services.projection.devices.filter { row in
        row["device"]?.string.map { call.client.reaches(DeviceID($0)) } ?? false
      }
      return ["devices": .list(rows.map { .map(call.client.restriction?.shown(device: $0) ?? $0) })]
    },
    hardwareRead,
    hardwareControl,
    Method(
      "hal.release", .operate,
      "Gives up this user's lease: the actuator goes to its safe state, or to the rules that this user has kept off it.",
      .device("which actuator", aliases: ["actuator"]),
      result:
        "`{\"device\": id, \"released\": whether there was a lease, or rules were kept off, \"not_safe\": why the hardware has not confirmed "
        + "the safe state, or null, \"warning\": why rules would be kept off it again after a restart (or null), \"board\": "
        + "its name}`",
      errors: [.deviceNotFound, .deviceBusy], isCommand: true
    ) { call, id throws(RPCError) in
      // Only people keep rules off.
      let isGivenBack = call.client.restriction == nil && call.services.rules.giveBack(id)
      let (holder, name) = (call.services.hardware.device(id)?.holder, call.client.source)
      let released = try call.hardware { hardware throws(HALError) in
        // The rules have it again.
        if isGivenBack, holder != name { return true }
        return try hardware.release(id, holder: name, reason: "released", cause: call.cause)
      }
      call.server.leases.forget(id, of: name)
      call.services.hardware.confirm([id], within: patience) { refusals in
        let answer: Fields = [
          "device": .string(id.rawValue), "released": .bool(released),
          "not_safe": refusals.first.map { "\($0.why)" }.orNull, "warning": .null, "board": call.board,
        ]
        if isGivenBack { _ = call.answerWhenStored(answer) } else { call.answer(.success(.map(answer))) }
      }
      return nil
    },
    Method(
      "hal.snapshot", .view, "Takes one picture.", .device("which camera", aliases: ["camera"]),
      result:
        "`{\"device\": id, \"bytes\": N, \"format\": \"image/jpeg\", \"descriptor\": true}` with a descriptor (4.9)",
      errors: cameraErrors, snapshot),
    Method(
      "hal.simulate", .admin, "Changes the simulated surroundings of a simulated board.",
      .device("which device"), Parameter.required("change", .change, "the change (4.12)"),
      result: "`{\"device\": id, \"board\": its name}`",
      errors: [.deviceNotFound, .deviceInvalid, .notSimulated, .safeMode], isCommand: true
    ) { call, id, change throws(RPCError) in
      if call.services.rules.safeMode != nil, call.services.hardware.output(id) == nil {
        throw RPCError(.safeMode, "safe mode opens outputs only: 'openstarry daemon leave-safe-mode'")
      }
      guard let simulation = call.services.simulation else {
        throw RPCError(
          .notSimulated, "nothing on this board is simulated", hint: "start the daemon with a simulated board")
      }
      try call.hardware { _ throws(HALError) in try simulation.inject(id, change) }
      return ["device": .string(id.rawValue), "board": call.board]
    },
  ]

  @Sendable private static func snapshot(_ call: Call, _ id: DeviceID) throws(RPCError) -> Value? {
    try call.openSession().requireFilesTaken()
    call.services.hardware.snapshot(id, as: call.client.principal) { outcome in
      do {
        let picture = try outcome.get()
        try call.openSession().requireFilesTaken()
        let file = try MemoryFile.sealed("openstarry-snapshot", picture)
        call.answer(
          [
            "device": .string(id.rawValue), "bytes": .int(Int64(picture.count)), "format": "image/jpeg",
            "descriptor": true,
          ], with: file)
      } catch let error as HALError {
        call.answer(.failure(call.refusal(error)))
      } catch let error as RPCError {
        call.answer(.failure(error))
      } catch {
        call.answer(.failure(RPCError(.internalError, "the picture of '\(id)' could not be sent: \(error)")))
      }
    }
    return nil
  }
}

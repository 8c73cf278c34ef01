import HAL
import Linux
import Model
import Wire

extension Parameter {
  static func device(_ meaning: String, aliases: [String] = []) -> Parameter {
    required("device", .text, meaning, aliases: ["id"] + aliases)
  }
}

extension Call {
  /// The device that the call names.
  var deviceID: DeviceID { DeviceID(arguments.required("device")) }

  /// Asks the hardware for something, with its refusals as they travel.
  func hardware<Result>(_ ask: (Hardware) throws(HALError) -> Result) throws(RPCError) -> Result {
    do throws(HALError) {
      return try ask(services.hardware)
    } catch {
      throw refusal(error)
    }
  }

  func refusal(_ error: HALError) -> RPCError { RPCError(error, at: services.time.now) }
}

extension MethodRegistry {
  private static let commandErrors: [RPCError.Code] = [
    .deviceNotFound, .deviceDenied, .deviceBusy, .deviceLimited, .deviceInvalid, .deviceUnavailable, .deviceFailed,
  ]
  private static let cameraErrors: [RPCError.Code] = [
    .deviceNotFound, .deviceDenied, .deviceUnavailable, .deviceFailed,
  ]

  static let hardwareRead = Method(
    "hal.read", .view, "The same as `getSensorData`.",
    [.device("which sensor or input", aliases: ["sensor"])], result: "a reading (4.5)",
    errors: [.deviceNotFound, .deviceDenied, .deviceInvalid, .deviceUnavailable, .deviceFailed]
  ) { call throws(RPCError) in
    let id = call.deviceID
    call.services.hardware.getSensorData(id, as: call.client.principal) { outcome in
      switch outcome {
      case .success(let reading):
        let fields = reading.fields(at: call.services.time.now)
        call.answer(.success(.map(Fields([("device", .string(id.rawValue))] + fields.map { ($0.key, $0.value) }))))
      case .failure(let error): call.answer(.failure(call.refusal(error)))
      }
    }
    return nil
  }

  static let hardwareControl = Method(
    "hal.control", .operate, "The same as `controlActuator`.",
    [
      .device("which actuator", aliases: ["actuator"]), .required("command", .command, "what it shall do (4.7)"),
      // A year: what is longer is no lease.
      .optional(
        "lease_ms", .integer(1...31_536_000_000), nil,
        "how long it may stay away from its safe state; the board's default when left out"),
      .optional(
        "hold", .boolean, nil,
        "whether the lease outlives this connection (4.11); `true` when `lease_ms` is given, else `false`"),
      .optional(
        "override", .boolean, false, "whether it is taken over from whoever holds it; takes the role admin"),
    ], result: "a receipt (4.6)", errors: commandErrors, isCommand: true
  ) { call throws(RPCError) in
    guard let command = call.arguments["command"].flatMap(ActuatorCommand.init) else {
      throw RPCError(.invalidParams, "'command' is no command")
    }
    let override = call.arguments.flag("override") ?? false
    if override { try ControlServer.check(call.client.role, .admin, "take an actuator over") }
    let lease = call.arguments.integer("lease_ms").map { Duration.milliseconds($0) }
    let id = call.deviceID
    let receipt = try call.hardware { hardware throws(HALError) in
      try hardware.controlActuator(
        id, command, lease: lease, as: call.client.principal, cause: call.cause, override: override)
    }
    let holds = call.arguments.flag("hold") ?? (lease != nil)
    call.services.leases.note(id, endsWith: holds ? nil : try call.openConnection().number)
    return .map(receipt.fields(id, call.services.hardware.lease(of: id)))
  }

  static let getCameraStream = Method(
    "getCameraStream", .view, "Streams a camera's pictures as `camera.frame` notifications, each with a descriptor.",
    [
      .device("which camera", aliases: ["camera"]),
      .optional("rate", .number, nil, "frames a second at most; all of them when left out"),
    ], result: "`{\"subscription\": N}`", errors: cameraErrors
  ) { call throws(RPCError) in
    let connection = try call.openConnection()
    let subscription = try connection.subscribe(call.request.dialect)
    let hardware = call.services.hardware
    let id = call.deviceID
    call.answer(.success(["subscription": .int(subscription.number)]))
    do throws(HALError) {
      let stream = try hardware.getCameraStream(
        id, as: call.client.principal, maxRate: call.arguments["rate"]?.double
      ) { [weak connection, weak subscription] frame in
        if let connection, let subscription { send(frame, of: id, to: connection, subscription) }
        return true
      }
      subscription.end = { hardware.endStream(stream) }
    } catch {
      _ = connection.unsubscribe(subscription.number)
      throw call.refusal(error)
    }
    return nil
  }

  /// Hands a frame over, unless frames before it were not taken yet.
  private static func send(
    _ frame: Frame, of device: DeviceID, to connection: Connection, _ subscription: Subscription
  ) {
    guard connection.waiting == 0, connection.hasTakenFiles(butFor: 2),
      let file = try? MemoryFile.sealed("openstarry-frame", frame.bytes)
    else {
      subscription.missed += 1
      return
    }
    let missed = subscription.missed
    subscription.missed = 0
    connection.notify(
      subscription, "camera.frame",
      [
        "device": .string(device.rawValue), "sequence": .int(Int64(frame.sequence)),
        "time_ns": .int(Int64(clamping: frame.time.nanoseconds)), "format": .string(frame.format.pixels.rawValue),
        "width": .int(Int64(frame.format.width)), "height": .int(Int64(frame.format.height)),
        "bytes": .int(Int64(frame.bytes.count)), "missed": .int(Int64(clamping: missed)), "descriptor": true,
      ], with: file)
  }

  static let hardwareMethods: [Method] = [
    Method(
      "hal.devices", .view, "The devices of the board and what is known of them.",
      result: "`{\"devices\": [device (4.4)]}`"
    ) { call throws(RPCError) in
      let now = call.services.time.now
      return ["devices": .list(call.services.hardware.devices().map { .map($0.fields(at: now)) })]
    },
    hardwareRead,
    hardwareControl,
    Method(
      "hal.release", .operate, "Gives up this user's lease: the actuator goes to its safe state.",
      [.device("which actuator", aliases: ["actuator"])],
      result: "`{\"device\": id, \"released\": whether there was one}`",
      errors: [.deviceNotFound, .deviceBusy], isCommand: true
    ) { call throws(RPCError) in
      let id = call.deviceID
      let released = try call.hardware { hardware throws(HALError) in
        try hardware.release(id, holder: call.client.source, reason: "released", cause: call.cause)
      }
      call.services.leases.note(id, endsWith: nil)
      return ["device": .string(id.rawValue), "released": .bool(released)]
    },
    Method(
      "hal.snapshot", .view, "Takes one picture.", [.device("which camera", aliases: ["camera"])],
      result:
        "`{\"device\": id, \"bytes\": N, \"format\": \"image/jpeg\", \"descriptor\": true}` with a descriptor (4.9)",
      errors: cameraErrors, snapshot),
    Method(
      "hal.simulate", .admin, "Changes the world of a simulated board.",
      [.device("which device"), .required("change", .change, "what happens to it (4.12)")],
      result: "`{\"device\": id}`", errors: [.deviceNotFound, .deviceInvalid, .notSimulated], isCommand: true
    ) { call throws(RPCError) in
      guard let simulation = call.services.simulation else {
        throw RPCError(
          .notSimulated, "nothing on this board is simulated", hint: "start the daemon with a simulated board")
      }
      let change = call.arguments["change"] ?? .null
      try call.hardware { _ throws(HALError) in try simulation.inject(call.deviceID, change) }
      return ["device": .string(call.deviceID.rawValue)]
    },
  ]

  @Sendable private static func snapshot(_ call: Call) throws(RPCError) -> Value? {
    try call.openConnection().checkFiles()
    let id = call.deviceID
    call.services.hardware.snapshot(id, as: call.client.principal) { outcome in
      do {
        let picture = try outcome.get()
        try call.openConnection().checkFiles()
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
        call.answer(.failure(RPCError(.internalError, "the picture of '\(id)' could not be passed on: \(error)")))
      }
    }
    return nil
  }
}

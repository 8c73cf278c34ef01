import OpenStarryAgent

/// The board's devices as tools. The daemon's gate checks each call; the names that a model may use are those of its
/// permissions.
enum DeviceTools {
  /// Their names, as the specification has them.
  static let names = ["getSensorData", "controlActuator", "getCameraSnapshot", "why"]
  /// The most events of a chain that a model is told, the newest.
  private static let mostCauses = 12

  /// The longest lease, in seconds. The board file may allow less.
  private static let longestLease: Int64 = 86_400
  /// The most bytes of a picture: as base64 it has to fit into a message to the daemon.
  static let mostPictureBytes = 600_000
  /// How often, and after what time, a picture that is being taken is asked for again.
  private static let (attempts, interval) = (15, Duration.milliseconds(200))

  /// - Parameter pause: waits.
  static func all(_ board: Surroundings, pause: @escaping (Duration) -> Void) -> [Tool] {
    var tools: [Tool] = []
    let readable = board.devices(.sensor, .input)
    if !readable.isEmpty { tools.append(read(readable)) }
    let outputs = board.devices(.actuator)
    if !outputs.isEmpty { tools.append(control(outputs)) }
    let cameras = board.devices(.camera)
    if !cameras.isEmpty { tools.append(look(cameras, board.settings.toolTimeout, pause)) }
    if !(readable + outputs).isEmpty { tools.append(why(readable + outputs)) }
    return tools
  }

  private static func why(_ ids: [String]) -> Tool {
    Tool(
      name: names[3], about: "Why a device is as it is: the events that led to its last change, the first cause first.",
      arguments: Arguments([.required("id", .choice(ids), "the device")])
    ) { (arguments, context) throws(ToolFailure) in
      let id = arguments["id"]?.string ?? ""
      let chain = try ToolFailure.converting { () throws(AgentError) in try context.why(id) }
      let now = context.now
      return ToolResult([
        "events": .list(
          chain.suffix(mostCauses).map { event in
            [
              "type": .string(event.type), "source": .string(event.source), "payload": .map(event.payload),
              "seconds_ago": .int(Int64(clamping: now > event.monotonic ? (now - event.monotonic) / 1_000_000_000 : 0)),
            ]
          })
      ])
    }
  }

  private static func read(_ ids: [String]) -> Tool {
    Tool(
      name: names[0], about: "The newest reading of a sensor, or the level of an input: 0 or 1.",
      arguments: Arguments([.required("id", .choice(ids), "the sensor or input")])
    ) { (arguments, context) throws(ToolFailure) in
      let id = arguments["id"]?.string ?? ""
      let reading = try ToolFailure.converting { () throws(AgentError) in try context.read(id) }
      let age = context.now > reading.time ? (context.now - reading.time) / 1_000_000_000 : 0
      return ToolResult([
        "value": .double(reading.value), "unit": .string(reading.unit), "age_s": .int(Int64(clamping: age)),
        "quality": .string(reading.quality.rawValue),
      ])
    }
  }

  private static func control(_ ids: [String]) -> Tool {
    Tool(
      name: names[1], about: "Commands an output. After lease_s seconds it goes back to its safe state by itself.",
      arguments: Arguments([
        .required("id", .choice(ids), "the output"),
        .required("command", .choice(["on", "off", "level", "pulse"]), ""),
        .required("lease_s", .integer(1...longestLease), "seconds for which the output is needed"),
        .optional("level", .number(0...1), "with the command level: 0 is off, 1 is full"),
        .optional("pulse_s", .number(0.001...3600), "with the command pulse: how many seconds it is on"),
      ])
    ) { (arguments, context) throws(ToolFailure) in
      let id = arguments["id"]?.string ?? ""
      let command = try command(arguments)
      if case .pulse(let time) = command, time > .seconds(arguments["lease_s"]?.int ?? 1) {
        throw ToolFailure("'pulse_s' is longer than 'lease_s': an output is needed for as long as its pulse")
      }
      let lease = Duration.seconds(arguments["lease_s"]?.int ?? 1)
      let receipt = try ToolFailure.converting { () throws(AgentError) in
        try context.control(id, command, lease: lease)
      }
      return ToolResult([
        "state": .double(receipt.state), "previous": .double(receipt.previous), "confirmed": .bool(receipt.isConfirmed),
      ])
    }
  }

  private static func command(_ arguments: Fields) throws(ToolFailure) -> ActuatorCommand {
    let word = arguments["command"]?.string ?? ""
    for (name, needed) in [("level", "level"), ("pulse_s", "pulse")] {
      if let value = arguments[name], value != .null, !word.isSame(as: needed) {
        throw ToolFailure("'\(name)' goes with the command '\(needed)', not with '\(word)'")
      }
    }
    switch word {
    case _ where word.isSame(as: "on"): return .on
    case _ where word.isSame(as: "off"): return .off
    case _ where word.isSame(as: "level"):
      guard let level = arguments["level"]?.double else {
        throw ToolFailure("the command 'level' needs 'level', 0 to 1")
      }
      return .level(level)
    default:
      guard let time = arguments["pulse_s"]?.double else {
        throw ToolFailure("the command 'pulse' needs 'pulse_s', in seconds")
      }
      return .pulse(.milliseconds(Int64((time * 1000).rounded(.up))))
    }
  }

  private static func look(_ ids: [String], _ limit: Duration, _ pause: @escaping (Duration) -> Void) -> Tool {
    Tool(
      name: names[2], about: "Takes a picture with a camera. You see it in the next message.",
      arguments: Arguments([.required("id", .choice(ids), "the camera")])
    ) { (arguments, context) throws(ToolFailure) in
      let id = arguments["id"]?.string ?? ""
      let jpeg = try newest(id, limit, pause, context)
      guard jpeg.count <= mostPictureBytes else {
        throw ToolFailure("the picture has \(jpeg.count) bytes, more than the \(mostPictureBytes) that can be sent")
      }
      var result = ToolResult(["bytes": .int(Int64(jpeg.count))])
      result.picture = (jpeg, id)
      return result
    }
  }

  /// The first call may find no picture, and has one taken.
  private static func newest(
    _ id: String, _ limit: Duration, _ pause: (Duration) -> Void, _ context: Context
  ) throws(ToolFailure) -> [UInt8] {
    var waited = Duration.zero
    while true {
      do throws(AgentError) {
        return try context.snapshot(id)
      } catch {
        guard error.code == .unavailable, waited < min(interval * attempts, limit) else { throw ToolFailure(error) }
        pause(interval)
        waited += interval
      }
    }
  }
}

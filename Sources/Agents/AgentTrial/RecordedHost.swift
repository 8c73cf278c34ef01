import Model

/// Passes an agent's calls to the real host and records each of them.
final class RecordedHost: AgentHost {
  private let real: any AgentHost
  private let tape: Tape

  init(_ real: any AgentHost, _ tape: Tape) {
    self.real = real
    self.tape = tape
  }

  var now: UInt64 { real.now }

  func read(_ sensor: String) throws(AgentError) -> Reading {
    let fields: Fields = ["device": .string(sensor)]
    return try tape.call(.read, "read \(sensor.printable)", fields) { () throws(AgentError) in
      try real.read(sensor)
    } _: { reading, _ in
      (
        EventSentence.reading(.double(reading.value), unit: reading.unit, quality: reading.quality.rawValue),
        [
          "value": .double(reading.value), "unit": .string(reading.unit), "quality": .string(reading.quality.rawValue),
        ]
      )
    }
  }

  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    let length = lease.map { " for \($0.text)" } ?? ""
    var fields: Fields = ["device": .string(actuator), "command": .string(Self.text(command))]
    if let lease { fields["lease_ms"] = .int(lease.nanoseconds / 1_000_000) }
    let what = "control \(actuator.printable) \(Self.text(command))\(length)"
    return try tape.call(.control, what, fields) { () throws(AgentError) in
      try real.control(actuator, command, lease: lease)
    } _: { receipt, changes in
      let state = EventSentence.level(receipt.state)
      let text = changes.isEmpty ? "\(state), unchanged" : changes.map(EventSentence.text).joined(separator: ", ")
      return (
        text + (receipt.isConfirmed ? "" : ", not confirmed yet"),
        [
          "state": .double(receipt.state), "previous": .double(receipt.previous),
          "confirmed": .bool(receipt.isConfirmed),
        ]
      )
    }
  }

  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    try tape.call(.snapshot, "snapshot \(camera.printable)", ["device": .string(camera)]) { () throws(AgentError) in
      try real.snapshot(camera)
    } _: { picture, _ in
      (EventSentence.byteCount(Int64(picture.count)), ["bytes": .int(Int64(picture.count))])
    }
  }

  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    let fields: Fields = [
      "device": .string(camera), "width": .int(Int64(width)), "height": .int(Int64(height)),
    ]
    return try tape.call(.frame, "frame \(camera.printable) \(width)x\(height)", fields) { () throws(AgentError) in
      try real.frame(camera, width: width, height: height)
    } _: { picture, _ in
      (EventSentence.byteCount(Int64(picture.count)), ["bytes": .int(Int64(picture.count))])
    }
  }

  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    let question = request.messages.last?.text ?? ""
    let fields: Fields = ["prompt": .string(question)]
    let what = "model \(Value.string(question).text())"
    return try tape.call(.model, what, fields) { () throws(AgentError) in
      try real.complete(request, done)
    } _: { _, _ in
      ("asked", [:])
    }
  }

  func cancel(_ completion: CompletionID) { real.cancel(completion) }

  func send(_ request: ModelRequest, as name: String) throws(AgentError) {
    let question = request.messages.last?.text ?? ""
    let fields: Fields = ["prompt": .string(question), "name": .string(name)]
    _ = try tape.call(.model, "ask \(Value.string(question).text())", fields) { () throws(AgentError) in
      try real.send(request, as: name)
    } _: { _, _ in
      ("asked", [:])
    }
  }

  func why(_ device: String) throws(AgentError) -> [Event] { try real.why(device) }

  func surroundings() throws(AgentError) -> Value { try real.surroundings() }

  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    let text = payload.isEmpty ? "" : "  \(EventSentence.fields(payload))"
    let fields: Fields = ["event": .string(type), "payload": .map(payload)]
    return try tape.call(.emit, "emit \(type.printable)\(text)", fields) { () throws(AgentError) in
      try real.emit(type, payload)
    } _: { _, _ in
      ("published", [:])
    }
  }

  func log(_ level: LogLevel, _ message: String) {
    tape.add(
      .log, "log \(level): \(message.printable)", ["level": .string("\(level)"), "message": .string(message)])
    real.log(level, message)
  }

  func state(_ key: String) -> Value? {
    let value = real.state(key)
    let fields: Fields = ["key": .string(key), "operation": "get", "value": value ?? .null]
    tape.add(.state, "state \(key.printable): \(value?.text() ?? "none")", fields)
    return value
  }

  func setState(_ key: String, _ value: Value?) throws(AgentError) {
    let what = value.map { "state \(key.printable) = \($0.text())" } ?? "state \(key.printable) removed"
    let fields: Fields = [
      "key": .string(key), "operation": .string(value == nil ? "remove" : "set"), "value": value ?? .null,
    ]
    try tape.call(.state, what, fields) { () throws(AgentError) in
      try real.setState(key, value)
    } _: { _, _ in
      ("kept", [:])
    }
  }

  func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    let fields: Fields = [
      "timer": .string(name), "after_ms": .int(delay.nanoseconds / 1_000_000), "repeat": .bool(repeats),
    ]
    let what = "timer \(name.printable) \(repeats ? "every" : "after") \(delay.text)"
    try tape.call(.timer, what, fields) { () throws(AgentError) in
      try real.setTimer(name, after: delay, repeats: repeats)
    } _: { _, _ in
      ("set", [:])
    }
  }

  func cancelTimer(_ name: String) {
    tape.add(.timer, "timer \(name.printable) cancelled", ["timer": .string(name)])
    real.cancelTimer(name)
  }

  func file(_ path: String) throws(AgentError) -> [UInt8] {
    try tape.call(.file, "file \(path.printable)", ["path": .string(path)]) { () throws(AgentError) in
      try real.file(path)
    } _: { bytes, _ in
      (EventSentence.byteCount(Int64(bytes.count)), ["bytes": .int(Int64(bytes.count))])
    }
  }

  /// `on`, `off`, `40%`, `pulse 500ms`.
  private static func text(_ command: ActuatorCommand) -> String {
    switch command {
    case .on: "on"
    case .off: "off"
    case .level(let level): EventSentence.level(level)
    case .pulse(let length): "pulse \(length.text)"
    }
  }
}

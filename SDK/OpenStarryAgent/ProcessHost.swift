#if !hasFeature(Embedded)
  import Glibc
  import Linux

  /// The calls of an agent in a process. Each sends a request to the daemon and waits for the answer.
  final class ProcessHost: AgentHost {
    private var channel: AgentChannel
    private var lastID: Int64 = 0
    /// The daemon's requests that arrived during a call.
    private var waiting: [Value] = []

    init(_ channel: AgentChannel) { self.channel = channel }

    var now: UInt64 { System.monotonicNanoseconds() }

    func read(_ sensor: String) throws(AgentError) -> Reading {
      try Reading(ask("getSensorData", ["id": .string(sensor)]))
    }

    func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
      var parameters: Fields = ["id": .string(actuator), "command": command.wireValue]
      if let lease { parameters["lease_ms"] = .int(max(1, lease.milliseconds)) }
      return try Receipt(ask("controlActuator", parameters))
    }

    func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
      try Self.bytes(ask("getCameraSnapshot", ["id": .string(camera)])["jpeg"])
    }

    func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
      let parameters: Fields = ["id": .string(camera), "width": .int(Int64(width)), "height": .int(Int64(height))]
      return try Self.bytes(ask("getCameraFrame", parameters)["grey"])
    }

    private static func bytes(_ text: Value?) throws(AgentError) -> [UInt8] {
      guard let bytes = text?.string.flatMap({ Base64.bytes($0) }) else {
        throw AgentError(.failed, "a picture that is not base64")
      }
      return bytes
    }

    /// Waits for the answer.
    func complete(
      _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
    ) throws(AgentError) -> CompletionID {
      let answer = try ModelAnswer(ask("chat", request.wireValue.map ?? [:]))
      done(.success(answer))
      return CompletionID(UInt64(lastID))
    }

    func send(_ request: ModelRequest, as name: String) throws(AgentError) {
      var parameters = request.wireValue.map ?? [:]
      parameters["name"] = .string(name)
      _ = try ask("ask", parameters)
    }

    func why(_ device: String) throws(AgentError) -> [Event] {
      var events: [Event] = []
      for event in try ask("why", ["id": .string(device)])["events"]?.list ?? [] { events.append(try Event(event)) }
      return events
    }

    func surroundings() throws(AgentError) -> Value { try ask("describe", [:]) }

    func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
      guard
        let id = try ask("emit", ["type": .string(type), "payload": .map(payload)])["id"]?.string.flatMap(ULID.init)
      else { throw AgentError(.failed, "an event without an id") }
      return id
    }

    func log(_ level: LogLevel, _ message: String) {
      tell("log", ["level": .int(Int64(level.rawValue)), "message": .string(message)])
    }

    func state(_ key: String) -> Value? { try? ask("state.get", ["key": .string(key)])["value"] }

    func setState(_ key: String, _ value: Value?) throws(AgentError) {
      if let value {
        _ = try ask("state.set", ["key": .string(key), "value": value])
      } else {
        _ = try ask("state.remove", ["key": .string(key)])
      }
    }

    func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
      _ = try ask(
        "timer.set", ["name": .string(name), "after_ms": .int(delay.milliseconds), "repeat": .bool(repeats)])
    }

    func cancelTimer(_ name: String) { _ = try? ask("timer.cancel", ["name": .string(name)]) }

    /// Reads the file directly: the sandbox shows only the files that the manifest grants.
    func file(_ path: String) throws(AgentError) -> [UInt8] {
      do throws(SystemError) {
        return try Files.read(path, limit: 1 << 20)
      } catch {
        let code: AgentError.Code =
          error.isMissing
          ? .notFound
          : error.errno == EACCES || error.errno == EPERM ? .denied : error.errno == EFBIG ? .limited : .failed
        throw AgentError(code, error.description)
      }
    }

    /// Sends a request and waits for its answer. Other requests are queued meanwhile.
    private func ask(_ method: String, _ parameters: Fields) throws(AgentError) -> Value {
      lastID += 1
      try channel.send(["id": .int(lastID), "method": .string(method), "params": .map(parameters)])
      while true {
        let message = receive()
        if !Self.isAnswer(message) {
          waiting.append(message)
        } else if message["id"]?.int == lastID {
          if let result = message["result"] { return result }
          let error = message["error"]
          throw RemoteError(
            code: error?["code"]?.int ?? -32603,
            message: error?["message"]?.string ?? "the daemon answered without a result",
            retryAfter: error?["data"]?["retry_after_ms"]?.int.map { .milliseconds($0) }
          ).agentError
        }
      }
    }

    /// The daemon's next request. Unexpected answers are ignored.
    func next() -> Value {
      if !waiting.isEmpty { return waiting.removeFirst() }
      while true {
        let message = receive()
        if !Self.isAnswer(message) { return message }
      }
    }

    private static func isAnswer(_ message: Value) -> Bool {
      message["method"] == nil && (message["result"] != nil || message["error"] != nil)
    }

    /// Sends a notification.
    func tell(_ method: String, _ parameters: Fields) {
      // Messages that are too long are dropped: a notification has no error answer.
      try? channel.send(["method": .string(method), "params": .map(parameters)])
    }

    /// Answers a request.
    func answer(_ id: Value, _ result: Result<Value, RemoteError>) {
      do throws(AgentError) {
        switch result {
        case .success(let value): try channel.send(["id": id, "result": value])
        case .failure(let error): try channel.send(["id": id, "error": Self.fields(error)])
        }
      } catch {
        tell(id, RemoteError(code: -32015, message: "the answer does not fit into one message"))
      }
    }

    private func tell(_ id: Value, _ error: RemoteError) {
      try? channel.send(["id": id, "error": Self.fields(error)])
    }

    private static func fields(_ error: RemoteError) -> Value {
      var fields: Fields = ["code": .int(error.code), "message": .string(error.message)]
      if let wait = error.retryAfter { fields["data"] = ["retry_after_ms": .int(wait.milliseconds)] }
      return .map(fields)
    }

    /// The next message. Exits if the daemon has closed the socket.
    private func receive() -> Value {
      while true {
        do throws(SystemError) {
          switch try channel.receive() {
          case .message(let message): return message
          case .unreadable(let code, let message): tell(.null, RemoteError(code: code, message: message))
          case nil: exit(0)
          }
        } catch {
          exit(0)
        }
      }
    }
  }
#endif

internal import COpenStarry

/// The calls of an agent in WebAssembly. Each is an import of the module.
public final class GuestHost: AgentHost {
  public var now: UInt64 { openstarry_now() }

  public func read(_ sensor: String) throws(AgentError) -> Reading {
    try unsafe Reading(cbor: ask { area in unsafe sensor.lend { unsafe openstarry_read($0, $1, area) } })
  }

  public func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    let command = CBOR.write(command.wireValue)
    let milliseconds = UInt64(clamping: lease.map { max(1, $0.milliseconds) } ?? 0)
    return try unsafe Receipt(
      cbor: ask { area in
        unsafe actuator.lend { id, length in
          unsafe command.lend { unsafe openstarry_control(id, length, $0, $1, milliseconds, area) }
        }
      })
  }

  public func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    try unsafe ask { area in unsafe camera.lend { unsafe openstarry_camera_snapshot($0, $1, area) } }
  }

  public func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    try unsafe ask { area in
      unsafe camera.lend {
        unsafe openstarry_camera_frame($0, $1, UInt32(clamping: width), UInt32(clamping: height), area)
      }
    }
  }

  /// Waits for the answer.
  func complete(_ prompt: String, system: String, maxTokens: Int?) throws(AgentError) -> String {
    let text = try unsafe ask { area in
      unsafe prompt.lend { prompt, length in
        unsafe system.lend {
          unsafe openstarry_complete(prompt, length, $0, $1, UInt32(clamping: maxTokens ?? 0), area)
        }
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Waits for the answer.
  func chat(_ request: ModelRequest) throws(AgentError) -> ModelAnswer {
    let request = CBOR.write(request.wireValue)
    let answer = try unsafe ask { area in unsafe request.lend { unsafe openstarry_chat($0, $1, area) } }
    return try ModelAnswer(CBOR.read(answer))
  }

  public func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    let payload = CBOR.write(.map(payload))
    let id = try unsafe ask { area in
      unsafe type.lend { type, length in
        unsafe payload.lend { unsafe openstarry_emit(type, length, $0, $1, area) }
      }
    }
    guard let id = ULID(String(decoding: id, as: UTF8.self)) else {
      throw AgentError(.failed, "an event without an id")
    }
    return id
  }

  public func log(_ level: LogLevel, _ message: String) {
    unsafe message.lend { unsafe openstarry_log(UInt32(level.rawValue), $0, $1) }
  }

  public func state(_ key: String) -> Value? {
    try? unsafe CBOR.read(ask { area in unsafe key.lend { unsafe openstarry_state_get($0, $1, area) } })
  }

  public func setState(_ key: String, _ value: Value?) throws(AgentError) {
    let bytes = value.map { CBOR.write($0) }
    _ = try unsafe ask { area in
      unsafe key.lend { key, length in
        if let bytes {
          unsafe bytes.lend { unsafe openstarry_state_set(key, length, $0, $1, area) }
        } else {
          unsafe openstarry_state_remove(key, length, area)
        }
      }
    }
  }

  public func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    let milliseconds = UInt64(clamping: delay.milliseconds)
    _ = try unsafe ask { area in
      unsafe name.lend { unsafe openstarry_timer_set($0, $1, milliseconds, repeats ? 1 : 0, area) }
    }
  }

  public func cancelTimer(_ name: String) { unsafe name.lend { unsafe openstarry_timer_cancel($0, $1) } }

  public func file(_ path: String) throws(AgentError) -> [UInt8] {
    throw AgentError(.denied, "an agent in WebAssembly has no files: '\(path)'")
  }

  /// The agent's id; empty if the host does not provide it.
  static func agent() -> String {
    let id = unsafe openstarry_agent_id()
    return unsafe String(decoding: UnsafeRawBufferPointer(start: id.at, count: id.length), as: UTF8.self)
  }
}

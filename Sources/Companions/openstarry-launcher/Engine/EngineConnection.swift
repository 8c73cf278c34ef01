import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// Requests to a container engine that speaks Docker's API (version 1.40: Docker 19.03, podman 3 and later), by HTTP over a
/// socket of unix(7).
struct EngineConnection {
  /// The path of the engine's socket.
  let socket: [UInt8]

  /// An answer; the code is 0 when the engine did not answer.
  struct Answer {
    var code: Int32
    var body: [UInt8]
  }

  /// How long the engine may take for one answer, in seconds. Making a container may need a slow disk.
  private static let patience: Int32 = 60

  /// Sends a request, and waits for the answer.
  func ask(_ method: StaticString, _ path: [UInt8], _ body: [UInt8] = []) -> Answer {
    let connection = send(method, path, body)
    guard connection >= 0 else { return Answer(code: 0, body: []) }
    defer { close(connection) }
    var answer: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while answer.count < 4 << 20 {
      // SAFETY: the array is valid for its count.
      let count = unsafe openstarry_receive_bytes(connection, &part, part.count)
      if count <= 0 { break }
      answer += part[..<count]
    }
    return Self.answer(answer)
  }

  /// Sends a request whose answer comes in the course of time.
  /// - Returns: the connection, which is the caller's; -1 with errno on failure.
  func send(_ method: StaticString, _ path: [UInt8], _ body: [UInt8] = []) -> Int32 {
    let name = socket + [0]
    // SAFETY: the path ends with a zero byte.
    let connection = unsafe name.withUnsafeBytes {
      unsafe openstarry_connect_path($0.baseAddress!.assumingMemoryBound(to: CChar.self), Self.patience)
    }
    guard connection >= 0 else { return -1 }
    // Before HTTP 1.1 an answer ends with the connection, and has no chunks.
    var text = [UInt8](method) + [UInt8](" /v1.40") + path
    text += [UInt8](" HTTP/1.0\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: ")
    text += [UInt8](digits: UInt64(body.count)) + [UInt8]("\r\n\r\n") + body
    var sent = 0
    while sent < text.count {
      let rest = [UInt8](text[sent...])
      // SAFETY: the array is valid for its count.
      let count = unsafe openstarry_send_bytes(connection, rest, rest.count)
      guard count > 0 else {
        close(connection)
        return -1
      }
      sent += count
    }
    return connection
  }

  /// The parts of an answer.
  static func answer(_ text: [UInt8]) -> Answer {
    guard text.starts(with: [UInt8]("HTTP/1.")), text.count > 12 else { return Answer(code: 0, body: []) }
    let code = [UInt8](text[9..<12]).numbers.first ?? 0
    var place = 12
    while place + 4 <= text.count, [UInt8](text[place..<place + 4]) != [0x0D, 0x0A, 0x0D, 0x0A] { place += 1 }
    let body = place + 4 <= text.count ? [UInt8](text[(place + 4)...]) : []
    return Answer(code: Int32(truncatingIfNeeded: code), body: body)
  }
}

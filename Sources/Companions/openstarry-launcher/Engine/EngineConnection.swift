import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// Requests to a container engine that speaks Docker's API (version 1.40: Docker 19.03, podman 3 and later), by HTTP over a
/// socket of unix(7).
struct EngineConnection {
  /// The path of the engine's socket.
  let socket: [UInt8]
  /// The version of the API that is asked for, such as `/v1.40`; empty for the engine's own.
  var version = [UInt8]("/v1.40")
  /// No wait for the engine goes on when this becomes readable; -1 for nothing.
  var interruption: Int32 = -1
  /// When every wait for the engine ends, on the monotonic clock in nanoseconds.
  private var deadline: UInt64 = 0

  /// An answer.
  struct Answer {
    /// The code of HTTP; 0 when the engine did not answer.
    var code: Int32
    var body: [UInt8]
    /// Why there is no answer: EINTR after an interruption, ETIMEDOUT when the engine keeps silent.
    var errno: Int32 = 0
  }

  init(socket: [UInt8]) { self.socket = socket }

  /// Lets waits from now on end after some seconds in all.
  mutating func allow(seconds: UInt64) { deadline = Companion.monotonicNow() + seconds * 1_000_000_000 }

  /// Sends a request, and waits for the answer.
  func ask(_ method: StaticString, _ path: [UInt8], _ body: [UInt8] = []) -> Answer {
    let connection = send(method, path, body)
    guard connection >= 0 else { return Answer(code: 0, body: [], errno: openstarry_errno()) }
    defer { close(connection) }
    var answer: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while answer.count < 4 << 20 {
      let error = wait(connection, POLLIN)
      if error != 0 { return Answer(code: 0, body: [], errno: error) }
      // SAFETY: the array is valid for its count.
      let count = unsafe openstarry_receive_bytes(connection, &part, part.count)
      if count == 0 { break }
      if count < 0 { return Answer(code: 0, body: [], errno: openstarry_errno()) }
      answer += part[..<count]
    }
    return Self.answer(answer)
  }

  /// Sends a request whose answer comes in the course of time.
  /// - Returns: the connection, which does not block and is the caller's; -1 with errno on failure.
  func send(_ method: StaticString, _ path: [UInt8], _ body: [UInt8] = []) -> Int32 {
    let name = socket + [0]
    // SAFETY: the path ends with a zero byte.
    let connection = unsafe name.withUnsafeBytes {
      unsafe openstarry_connect_path($0.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
    guard connection >= 0 else { return -1 }
    // Before HTTP 1.1 an answer ends with the connection, and has no chunks.
    var text = [UInt8](method) + [0x20] + version + path
    text += [UInt8](" HTTP/1.0\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: ")
    text += [UInt8](digits: UInt64(body.count)) + [UInt8]("\r\n\r\n") + body
    var sent = 0
    while sent < text.count {
      var error = wait(connection, POLLOUT)
      if error == 0 {
        let rest = [UInt8](text[sent...])
        // SAFETY: the array is valid for its count.
        let count = unsafe openstarry_send_bytes(connection, rest, rest.count)
        if count > 0 { sent += count } else { error = openstarry_errno() }
      }
      if error != 0 {
        close(connection)
        openstarry_set_errno(error)
        return -1
      }
    }
    return connection
  }

  /// Waits until a connection can be read or written, or has ended.
  /// - Returns: 0, or why the wait is over.
  private func wait(_ connection: Int32, _ events: Int32) -> Int32 {
    var watched = [pollfd](repeating: pollfd(fd: connection, events: Int16(events), revents: 0), count: 2)
    watched[1] = pollfd(fd: interruption, events: Int16(POLLIN), revents: 0)
    let now = Companion.monotonicNow()
    let left = now < deadline ? (deadline - now) / 1_000_000 + 1 : 0
    // SAFETY: two structures, which the kernel fills in.
    guard unsafe poll(&watched, 2, Int32(truncatingIfNeeded: left)) > 0 else { return ETIMEDOUT }
    return watched[1].revents != 0 ? EINTR : 0
  }

  /// The parts of an answer.
  static func answer(_ text: [UInt8]) -> Answer {
    guard text.starts(with: [UInt8]("HTTP/1.")), text.count > 12, let code = [UInt8](text[9..<12]).numbers.first
    else { return Answer(code: 0, body: [], errno: text.isEmpty ? ECONNRESET : EPROTO) }
    var place = 12
    while place + 4 <= text.count, [UInt8](text[place..<place + 4]) != [0x0D, 0x0A, 0x0D, 0x0A] { place += 1 }
    let body = place + 4 <= text.count ? [UInt8](text[(place + 4)...]) : []
    return Answer(code: Int32(truncatingIfNeeded: code), body: body)
  }

  /// Why the engine gave no answer, and what to do about it.
  func sentence(of errno: Int32) -> [UInt8] {
    switch errno {
    case ENOENT: [UInt8]("there is no ") + socket + [UInt8](": is the engine running (systemctl start docker)?")
    case ECONNREFUSED:
      [UInt8]("nobody listens at ") + socket + [UInt8](": is the engine running (systemctl start docker)?")
    case EACCES:
      [UInt8]("the launcher may not use ") + socket
        + [UInt8](": its unit needs the drop-in of docs/container-agents.md, and then a restart")
    case ENOTSOCK: socket + [UInt8](" is no socket: 'docker' in the settings names the engine's")
    case EPROTO: [UInt8]("what listens at ") + socket + [UInt8](" is no Docker engine: see 'docker' in the settings")
    case ETIMEDOUT, EAGAIN:
      [UInt8]("the engine at ") + socket + [UInt8](" does not answer (systemctl restart docker starts it again)")
    case ECONNRESET, EPIPE: [UInt8]("the engine at ") + socket + [UInt8](" has ended")
    default: [UInt8]("the engine at ") + socket + [UInt8](" cannot be reached: ") + [UInt8](error: errno)
    }
  }
}

extension [UInt8] {
  /// The text of an errno (strerror(3)).
  init(error: Int32) {
    self = []
    // SAFETY: a C string that is valid until the next call.
    guard var text = unsafe strerror(error) else { return }
    while unsafe text.pointee != 0 {
      append(UInt8(bitPattern: unsafe text.pointee))
      unsafe text += 1
    }
  }
}

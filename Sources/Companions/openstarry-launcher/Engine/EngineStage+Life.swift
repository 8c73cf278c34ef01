import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// A container that runs, and every end.
extension EngineStage {
  mutating func turn() {
    var watched = [pollfd](repeating: pollfd(fd: order, events: Int16(POLLIN), revents: 0), count: 5)
    (watched[1].fd, watched[2].fd, watched[3].fd) = (signals, end, listener)
    watched[4].fd = due == 0 ? first : -1
    var time: Int32 = -1
    if due > 0 {
      let now = Companion.monotonicNow()
      time = now < due ? Int32(truncatingIfNeeded: (due - now) / 1_000_000 + 1) : 0
    }
    // SAFETY: five structures, which the kernel fills in.
    let count = unsafe poll(&watched, 5, time)
    if watched[0].revents != 0 { quit() }
    if watched[1].revents != 0, let number = Companion.nextSignal(signals) { return pass(number) }
    if watched[3].revents != 0 { handOver() }
    if watched[2].revents != 0 { return readEnd() }
    if watched[4].revents != 0 { due = Companion.monotonicNow() + Self.patience * 1_000_000_000 }
    if count == 0 { lose(ETIMEDOUT) }
  }

  /// Between the steps of a start: ends it if somebody has asked for that.
  mutating func endIfAsked() {
    var watched = pollfd(fd: order, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    if unsafe poll(&watched, 1, 0) > 0 { quit() }
    while let number = Companion.nextSignal(signals) { if number == SIGTERM { quit() } }
  }

  /// Passes the agent's socket and its log to the container's first process, and to no other. Then nobody can connect.
  private mutating func handOver() {
    let connection = openstarry_accept(listener)
    guard connection >= 0 else { return }
    defer { close(connection) }
    var peer = openstarry_peer()
    // SAFETY: the kernel fills in the structure.
    guard unsafe openstarry_peer_of(connection, &peer) == 0, UInt64(peer.pid) == process else { return }
    // SAFETY: both arrays are valid for their counts.
    _ = unsafe openstarry_send_message(connection, [1] as [UInt8], 1, [3, 1] as [Int32], 2)
    close(listener)
    listener = -1
    // The agent's connection ends when the agent closes it.
    close(3)
  }

  /// Sends a signal to the first process. The kernel does so also while the engine hangs; the engine does so where the
  /// process has another user, as with its option `userns-remap`.
  private mutating func pass(_ number: Int32) {
    if number == SIGPIPE || first >= 0 && openstarry_pidfd_signal(first, number) == 0 { return }
    engine.allow(seconds: Self.patience)
    _ = engine.ask("POST", path("/kill?signal=") + [UInt8](digits: UInt64(number)))
  }

  private mutating func readEnd() {
    var part = [UInt8](repeating: 0, count: 1024)
    // SAFETY: the array is valid for its count.
    let count = unsafe openstarry_receive_bytes(end, &part, part.count)
    if count < 0, openstarry_errno() == EAGAIN { return }
    if count > 0, answer.count < 65_536 { answer += part[..<count] } else { finish() }
  }

  /// The engine has said how the container ended.
  private mutating func finish() -> Never {
    let said = EngineConnection.answer(answer)
    guard let code = said.body.field("StatusCode")?.numbers.first else {
      lose(said.code == 0 ? said.errno : ECONNRESET)
    }
    engine.allow(seconds: Self.patience)
    let state = engine.ask("GET", path("/json"))
    if state.errno == EINTR { quit() }
    // An engine that ends has ended its containers first.
    if state.code == 0 { lose(state.errno) }
    if let isOut = state.body.field("State")?.field("OOMKilled"), isOut == [UInt8]("true") { files.noteOutOfMemory() }
    remove()
    exit(Int32(truncatingIfNeeded: code))
  }

  // MARK: Ends

  /// Ends the container, as somebody wants.
  private mutating func quit() -> Never {
    killFirst()
    remove()
    // The launcher may be gone.
    close(lock)
    files.remove(attempts: 50)
    exit(128 + SIGKILL)
  }

  /// The kernel ends all processes of the container with its first one (pid_namespaces(7)).
  private func killFirst() { if first >= 0 { _ = openstarry_pidfd_signal(first, SIGKILL) } }

  /// Removes the container, if there is one. An engine may refuse for a while, as while it still starts it; the next stage
  /// removes what is left.
  private mutating func remove() {
    if container.isEmpty { return }
    engine.interruption = -1
    engine.allow(seconds: Self.patience)
    for _ in 0..<UInt64(4) * Self.patience {
      let code = engine.ask("DELETE", path("?force=1&v=1")).code
      if code == 204 || code == 404 || code == 0 { return }
      usleep(250_000)
    }
  }

  /// The engine is away, which is not the agent's failure.
  mutating func lose(_ errno: Int32) -> Never {
    killFirst()
    files.noteAway()
    Self.write(engine.sentence(of: errno))
    exit(125)
  }

  /// Ends the start with a sentence, and what the engine says.
  mutating func fail(_ text: StaticString, _ answer: EngineConnection.Answer) -> Never {
    remove()
    let reason = answer.body.field("message")?.plain ?? []
    if !reason.isEmpty {
      Self.write([UInt8](text) + [UInt8](": ") + reason)
    } else {
      Self.write(
        [UInt8](text) + [UInt8](": its answer (HTTP ") + [UInt8](digits: UInt64(answer.code))
          + [UInt8](") cannot be understood"))
    }
    exit(125)
  }

  /// Writes a line to the agent's log.
  static func write(_ text: [UInt8]) {
    let line = text + [0x0A]
    // SAFETY: the array is valid for its count.
    _ = unsafe CLinux.write(2, line, line.count)
  }
}

import EventLoop
import Linux
import Model
import RPC

/// Taking requests in, as fast as the client reads its answers.
extension Connection {
  func isReady(_ ready: Readiness) {
    if !ready.isDisjoint(with: [.hangUp, .error]) {
      // What it sent before it went is worked on; the kernel holds no more than a socket's buffer of it.
      isGone = true
      while !hasEnded && !isClosing { read() }
      socket.unwatch()
    } else {
      if ready.contains(.writable) { flush() }
      if ready.contains(.readable) && mayRead { read() }
    }
    pump()
  }

  /// Nothing is read from a client that does not read its answers, has too much under way, or floods.
  var mayRead: Bool {
    guard !hasEnded, !isClosing, pause == nil else { return false }
    return isGone || socket.waiting < limits.waiting && underWay < limits.requestsUnderWay
  }

  func read() {
    // One client alone may fill its own buffer; all together may not fill the board.
    let arrival = socket.read { count in
      socket.buffered <= limits.line / 16 || server.incomplete + count <= limits.incomplete
    }
    switch arrival {
    case .some: break
    // Somebody who has gone sends nothing later either.
    case .nothing: if isGone { readEnd() }
    case .end: readEnd()
    case .failed:
      isGone = true
      readEnd()
    case .refused:
      turnAway(
        RPCError(
          .rateLimited, "too many incomplete requests of all clients together", hint: "end each line with a line feed"))
    }
  }

  func readEnd() {
    hasEnded = true
    if isGone { socket.discard() }
    // Whatever is still being worked on: a lease ends with its connection.
    server.endLeases(of: self)
  }

  /// Takes complete lines, as long as the client keeps up, and settles what to wait for.
  func pump() {
    var tookLine = false
    // What came before the end of the stream is still worked on.
    while socket.isOpen, !isClosing, pause == nil, isGone || hasEnded || mayRead, let item = socket.next() {
      tookLine = true
      switch item {
      case .line(let line): take(line)
      case .tooLong:
        turnAway(
          RPCError(
            .invalidRequest, "a line is longer than \(limits.line) bytes",
            hint: "end each message with a line feed; send large things as files"))
      }
    }
    guard socket.isOpen else { return }
    if hasEnded && !isClosing && pause == nil {
      if socket.buffered > 0 && !isGone {
        turnAway(
          RPCError(.invalidRequest, "the connection ended within a line", hint: "end each message with a line feed"))
      }
      stopTaking()
    }
    // What it sent before its end may have taken one.
    if hasEnded { server.endLeases(of: self) }
    timeLine(anew: tookLine)
    flush()
  }

  func take(_ line: ArraySlice<UInt8>) {
    server.status.requests += 1
    lastUse = time.now
    let message: Message
    do throws(MalformedMessage) {
      message = try Message(line)
    } catch {
      dialect = error.dialect ?? dialect
      if share.requests.take(at: time.now) != nil { noteRefusal() }
      return send(Response(id: error.id, .failure(error.error), dialect: dialect).encoded())
    }
    // A client has nothing to answer.
    guard case .request(let request) = message else {
      let error = RPCError(.invalidRequest, "this is an answer, and nothing was asked", hint: "send requests only")
      return send(Response(id: nil, .failure(error), dialect: dialect).encoded())
    }
    dialect = request.dialect
    take(Reply(to: request, on: self))
  }

  private func take(_ reply: Reply) {
    let isStop = reply.request.method.isSame(as: ControlMethods.emergencyStop.name)
    if crowding != nil { stopTaking() }
    if let crowding, !isStop { return reply.give(.failure(crowding)) }
    // No other request delays an emergency stop.
    if let wait = isStop ? share.stops.take(at: time.now) : share.requests.take(at: time.now) {
      noteRefusal()
      return reply.give(
        .failure(
          RPCError(
            .rateLimited, "more than \(limits.requests) requests a second of '\(client.user)'",
            data: ["retry_after_ms": .int(wait.nanoseconds / 1_000_000 + 1)], hint: "send fewer, or subscribe")))
    }
    server.handle(reply, from: self)
  }

  private func noteRefusal() {
    if share.refusals.take(at: time.now) != nil { rest() }
  }

  /// Reads nothing for a while: the client floods, and even refusing costs time.
  func rest() {
    guard pause == nil else { return }
    pause = time.schedule(after: .milliseconds(200)) { [weak self] in
      self?.pause = nil
      self?.pump()
    }
  }

  func timeLine(anew: Bool) {
    let isWaiting = socket.buffered > 0 && mayRead
    if let lineTimer, anew || !isWaiting {
      time.cancel(lineTimer)
      self.lineTimer = nil
    }
    guard isWaiting, lineTimer == nil else { return }
    lineTimer = time.schedule(after: limits.lineTime) { [weak self] in
      guard let self else { return }
      turnAway(
        RPCError(
          .invalidRequest, "a line did not end within \(limits.lineTime.text)",
          hint: "end each message with a line feed"))
      flush()
    }
  }
}

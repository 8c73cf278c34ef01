import EventLoop
import Linux
import Model
import RPC

/// Reads requests, with back-pressure on clients that do not read their answers.
extension Connection {
  func isReady(_ ready: Readiness) {
    if !ready.isDisjoint(with: [.hangUp, .error]) {
      // Carry out the requests that the client sent before it closed: at most a socket buffer full.
      isGone = true
      while !hasEnded && !isClosing { read() }
      // The kernel would report the hang-up in every turn of the loop.
      socket.unwatch()
    } else {
      if ready.contains(.writable) { flush() }
      if ready.contains(.readable) && mayRead { read() }
    }
    pump()
  }

  /// False while the client does not read its answers, has too many requests pending, or is paused for flooding.
  var mayRead: Bool {
    guard !hasEnded, !isClosing, pause == nil else { return false }
    return isGone || socket.waiting < limits.waiting && underWay < limits.requestsUnderWay
  }

  func read() {
    // Each client may have a long incomplete line, but the sum over all clients is bounded.
    let arrival = socket.read { count in
      socket.buffered <= limits.line / 16 || server.incomplete + count <= limits.incomplete
    }
    switch arrival {
    case .some: break
    // A client that has closed the connection sends nothing more.
    case .nothing: if isGone { readEnd() }
    case .end: readEnd()
    case .failed:
      isGone = true
      readEnd()
    case .refused:
      turnAway(
        RPCError(
          .rateLimited, "all clients together have sent too many incomplete requests",
          hint: "end each line with a line feed"))
    }
  }

  func readEnd() {
    hasEnded = true
    if isGone { socket.discard() }
    // Leases end with the connection even while requests are pending.
    server.endLeases(of: self)
  }

  /// Processes complete lines while the client keeps up, and then updates timers and the readiness to wait for.
  func pump() {
    var tookLine = false
    // Lines that arrived before the end of the stream are processed.
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
    // A request before the end of the stream may have taken a lease.
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
    guard case .request(let request) = message else {
      let error = RPCError(
        .invalidRequest, "this is a response, but the daemon sends no requests", hint: "send requests only")
      return send(Response(id: nil, .failure(error), dialect: dialect).encoded())
    }
    dialect = request.dialect
    take(Reply(to: request, on: self))
  }

  private func take(_ reply: Reply) {
    let isStop = reply.request.method.isSame(as: ControlMethods.emergencyStop.name)
    if crowding != nil { stopTaking() }
    if let crowding, !isStop { return reply.give(.failure(crowding)) }
    // Emergency stops have a bucket of their own, so that no other request delays them.
    if let wait = isStop ? share.stops.take(at: time.now) : share.requests.take(at: time.now) {
      noteRefusal()
      return reply.give(
        .failure(
          RPCError(
            .rateLimited, "'\(client.user)' sends more than \(limits.requests) requests a second",
            data: ["retry_after_ms": .int(wait.nanoseconds / 1_000_000 + 1)], hint: "send fewer, or subscribe")))
    }
    if !isStop, let wait = ownRequests?.take(at: time.now) {
      return reply.give(
        .failure(
          RPCError(
            .rateLimited, "this session sends more requests a second than it may",
            data: ["retry_after_ms": .int(wait.nanoseconds / 1_000_000 + 1)], hint: "wait, and ask for less")))
    }
    server.handle(reply, from: self)
  }

  private func noteRefusal() {
    if share.refusals.take(at: time.now) != nil { rest() }
  }

  /// Stops reading for 200 ms: the client floods, and even refusals cost time.
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

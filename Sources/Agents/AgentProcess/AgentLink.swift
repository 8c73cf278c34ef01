import Agent
import EventLoop
import Linux
import Model
import RPC

/// The daemon's end of an agent's descriptor 3: requests in both directions, one JSON object a line.
///
/// An agent that sends without reading answers, or faster than it may, is not read for a while: its own writes block.
package final class AgentLink {
  /// Why the connection is of no use any more.
  package enum End: Equatable {
    /// The agent has closed it.
    case closed
    /// The agent has broken the protocol, in a sentence without its subject.
    case broken(String)
  }

  /// Called once, unless `close` was called.
  package var onEnd: (End) -> Void = { _ in }
  /// Called when the agent says that it is ready, with its version of the protocol.
  package var onReady: (Int64) -> Void = { _ in }

  /// Called when the agent begins to wait for a model (true), and when it no longer waits.
  package var onWait: (Bool) -> Void {
    get { waits.onChange }
    set { waits.onChange = newValue }
  }

  /// Whether the agent waits for a model.
  package var isWaiting: Bool { waits.isWaiting }

  private let loop: EventLoop
  private let host: any AgentHost
  private let waits = ModelWaits()
  private let recorder: (any UsageRecorder)?
  private let socket: LineSocket
  private let pending: PendingCalls
  private var isReading = true
  private var resume: TimerID?
  private var unreadable = 0

  /// Lines that are handled before others get their turn.
  private static let linesAtOnce = 64
  /// Unread answers, in bytes, above which no more requests are read.
  private static let mostWaiting = 1 << 20
  /// Lines that are no messages, after which the agent is taken for broken.
  private static let mostUnreadable = 16

  /// Begins with `start`.
  /// - Parameters:
  ///   - socket: non-blocking; owned.
  ///   - host: answers the agent's requests.
  package init(_ socket: consuming Descriptor, on loop: EventLoop, host: any AgentHost) {
    self.loop = loop
    self.host = host
    recorder = host as? any UsageRecorder
    self.socket = LineSocket(socket, on: loop)
    pending = PendingCalls(time: loop)
  }

  /// Begins to read.
  package func start() throws(SystemError) {
    socket.onReady = { [weak self] in self?.isReady($0) }
    socket.onFlushDue = { [weak self] in self?.flush() }
    try socket.start()
  }

  /// Closes the connection; calls that wait fail, and `onEnd` is not called.
  package func close() {
    waits.close(host)
    stopTimer()
    socket.close()
    pending.failAll { .closed(method: $0) }
  }

  /// Asks the agent.
  /// - Parameter limit: after which the call fails as `timedOut`; nil for none.
  package func call(
    _ method: String, _ params: Fields = [:], within limit: Duration? = nil,
    _ done: @escaping (Result<Answer, CallFailure>) -> Void
  ) {
    guard socket.isOpen else { return done(.failure(.closed(method: method))) }
    let id = pending.add(method, within: limit, done)
    send(Request(id: .number(id), method: method, params: params).encoded())
  }

  private func send(_ line: [UInt8]) {
    guard socket.isOpen else { return }
    socket.add(line)
    socket.planFlush()
  }

  // MARK: Reading

  private func isReady(_ ready: Readiness) {
    if ready.contains(.writable) { flush() }
    guard !ready.isDisjoint(with: [.readable, .hangUp, .error]) else { return }
    switch socket.read() {
    case .some: takeLines()
    case .nothing, .refused: break
    case .end, .failed: end(.closed)
    }
  }

  private func takeLines() {
    // The CPU time for an agent's requests is charged to the agent.
    let began = loop.now
    defer {
      let took = UInt64(max(0, (loop.now - began).nanoseconds))
      if took > 0 { recorder?.used(cpu: took) }
    }
    for _ in 0..<Self.linesAtOnce {
      guard socket.isOpen, socket.waiting <= Self.mostWaiting else { break }
      switch socket.next() {
      case .line(let line): take(line)
      case .tooLong: return end(.broken("sent a line of more than \(LineFramer.limit) bytes"))
      case nil: return setReading(true)
      }
    }
    guard socket.isOpen else { return }
    setReading(false)
    // Yield; continue with an agent that does not read its answers when it does.
    if socket.waiting <= Self.mostWaiting { pause(.zero) }
  }

  private func setReading(_ isOn: Bool) {
    isReading = isOn
    socket.setInterest(reading: isOn)
  }

  private func pause(_ time: Duration) {
    guard resume == nil else { return }
    resume = loop.schedule(after: time) { [weak self] in
      self?.resume = nil
      self?.takeLines()
    }
  }

  private func stopTimer() { if let timer = resume.take() { loop.cancel(timer) } }

  private func take(_ line: ArraySlice<UInt8>) {
    do throws(MalformedMessage) {
      switch try Message(line) {
      case .response(let response): take(response)
      case .request(let request): take(request)
      }
    } catch {
      unreadable += 1
      if unreadable > Self.mostUnreadable {
        return end(.broken("sent \(unreadable) lines that are no messages; the last: \(error.error.message)"))
      }
      send(Response(id: error.id, .failure(error.error)).encoded())
    }
  }

  private func take(_ response: Response) {
    guard let id = response.id else { return }
    switch response.outcome {
    case .success(let result): pending.complete(id, .success(Answer(result: result, contents: nil)))
    case .failure(let error): pending.complete(id, .failure(.refused(error)))
    }
  }

  private func take(_ request: Request) {
    if request.method.isSame(as: "ready") { return onReady(request.params["abi"]?.int ?? 1) }
    let answer = { [weak self] (outcome: Result<Value, RPCError>) in
      guard let self, request.id != nil else { return }
      send(encoded(request, outcome))
    }
    do throws(RPCError) {
      let call = AgentCall(host: host, waits: waits, answer: answer)
      let result = try AgentMethods.table.call(request.method, request.params, call)
      if let result { answer(.success(result)) }
    } catch {
      // The hint of the table is for another protocol.
      let isUnknown = error.known == .methodNotFound
      answer(.failure(isUnknown ? RPCError(.methodNotFound, error.message) : error))
    }
  }

  private func encoded(_ request: Request, _ outcome: Result<Value, RPCError>) -> [UInt8] {
    let line = Response(id: request.id, outcome).encoded()
    if line.count <= LineFramer.limit + 1 { return line }
    let error = RPCError(.deviceLimited, "the answer would have \(line.count) bytes; the limit is \(LineFramer.limit)")
    return Response(id: request.id, .failure(error)).encoded()
  }

  // MARK: Sending

  private func flush() {
    socket.flush(reading: isReading)
    if socket.isOpen, !isReading, resume == nil, socket.waiting <= Self.mostWaiting / 2 { pause(.zero) }
  }

  private func end(_ reason: End) {
    guard socket.isOpen else { return }
    close()
    let onEnd = onEnd
    onEnd(reason)
  }
}

import EventLoop
import Linux
import Model
import Wire

/// A successful answer to a call.
package struct Answer: Sendable, Hashable {
  /// The `result` member.
  package var result: Value
  /// The contents of the file that was sent with the answer; nil for none.
  package var contents: [UInt8]?

  /// An answer.
  package init(result: Value, contents: [UInt8]? = nil) {
    self.result = result
    self.contents = contents
  }
}

/// A notification from the other side.
package struct Notification: Sendable, Hashable {
  /// The name, e.g. `events.event`.
  package var method: String
  /// The parameters.
  package var params: Fields
  /// The contents of the file that was sent with the notification; nil for none.
  package var contents: [UInt8]?
}

/// A non-blocking client: calls and notifications over one socket, on an event loop.
///
/// Confined to the loop's thread. No callback runs from within `call`, and neither `onNotification` nor `onEnd` runs
/// after
/// `close`. A released client closes its connection without completing its calls.
package final class LoopClient {
  /// The bound of the send queue, in bytes; above it, calls fail as `congested`.
  package static let queueLimit = 1 << 20

  /// Receives each notification.
  package var onNotification: (Notification) -> Void = { _ in }
  /// Called once when the connection ends other than by `close`, after all pending calls have failed; nil when the
  /// other side closed it without an error.
  package var onEnd: (CallFailure?) -> Void = { _ in }

  private let loop: EventLoop
  private let channel: LineChannel
  private let pending: PendingCalls
  /// The error that the other side announced before it closes the connection.
  private var farewell: RPCError?

  /// A client on a connected, non-blocking stream socket.
  /// - Parameter time: the clock for time-outs; nil for the loop's.
  package init(
    _ socket: consuming Descriptor, on loop: EventLoop, time: (any Timekeeper)? = nil
  ) throws(SystemError) {
    self.loop = loop
    channel = LineChannel(socket, on: loop)
    pending = PendingCalls(time: time ?? loop)
    channel.onLine = { [weak self] in self?.take($0) }
    channel.onEnd = { [weak self] in self?.end($0) }
    try channel.start()
  }

  /// Whether the connection is open.
  package var isOpen: Bool { channel.isOpen }

  /// Sends a request.
  /// - Parameters:
  ///   - limit: the time-out; nil for none.
  ///   - trace: what the request is part of; nil for nothing.
  ///   - done: called once, later, with the answer or the failure.
  package func call(
    _ method: String, _ params: Fields = [:], within limit: Duration? = .seconds(60), trace: TraceParent? = nil,
    _ done: @escaping (Result<Answer, CallFailure>) -> Void
  ) {
    guard channel.isOpen else { return loop.later { done(.failure(.closed(method: method))) } }
    guard channel.waiting <= Self.queueLimit else { return loop.later { done(.failure(.congested(method: method))) } }
    let id = pending.add(method, within: limit, done)
    channel.send(Request(id: .number(id), method: method, params: params, trace: trace).encoded())
  }

  /// Sends a notification.
  /// - Returns: false when it was not sent, because the connection has ended or the send queue is full.
  @discardableResult
  package func notify(_ method: String, _ params: Fields = [:]) -> Bool {
    guard channel.isOpen, channel.waiting <= Self.queueLimit else { return false }
    channel.send(Request(id: nil, method: method, params: params).encoded())
    return true
  }

  /// Closes the connection. Pending calls fail as `closed`; `onEnd` is not called.
  package func close() {
    channel.close()
    pending.failAll { .closed(method: $0) }
  }

  private func take(_ line: ArraySlice<UInt8>) {
    do throws(MalformedMessage) {
      switch try Message(line) {
      case .request(let request):
        let contents = try contents(announced: request.params["descriptor"])
        onNotification(Notification(method: request.method, params: request.params, contents: contents))
      case .response(let response): try take(response)
      }
    } catch {
      fail(.mismatch(error.error.message))
    }
  }

  private func take(_ response: Response) throws(MalformedMessage) {
    switch response.outcome {
    case .success(let result):
      // Take the descriptor even if the call has timed out: otherwise the next answer would get it.
      let contents = try contents(announced: result["descriptor"])
      if let id = response.id { pending.complete(id, .success(Answer(result: result, contents: contents))) }
    case .failure(let error):
      // An error without an id concerns the connection, which the other side is about to close.
      guard let id = response.id else { return farewell = error }
      pending.complete(id, .failure(.refused(error)))
    }
  }

  private func contents(announced: Value?) throws(MalformedMessage) -> [UInt8]? {
    guard announced?.bool == true else { return nil }
    guard let descriptor = channel.takeDescriptor(), let contents = try? MemoryFile.read(descriptor) else {
      throw MalformedMessage(error: RPCError(.invalidRequest, "an announced descriptor is missing"))
    }
    return contents
  }

  private func end(_ reason: LineChannel.End) {
    if let farewell { return finish(.refused(farewell)) }
    switch reason {
    case .closed: finish(nil)
    case .lineTooLong: finish(.mismatch("a line of more than \(LineFramer.limit) bytes"))
    case .failed(let error): finish(.system(error))
    }
  }

  private func fail(_ failure: CallFailure) {
    channel.close()
    finish(failure)
  }

  /// - Parameter failure: nil when the other side closed the connection without an error.
  private func finish(_ failure: CallFailure?) {
    pending.failAll { failure ?? .closed(method: $0) }
    onEnd(failure)
  }
}

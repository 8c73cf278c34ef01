import EventLoop
import Linux
import Model
import Wire

/// What a call was answered with.
package struct Answer: Sendable, Hashable {
  /// `result` of the answer.
  package var result: Value
  /// The contents of the file that came beside it; nil when none did.
  package var contents: [UInt8]?
}

/// A message of a subscription.
package struct Notification: Sendable, Hashable {
  /// Its name, e.g. `events.event`.
  package var method: String
  /// Its parameters.
  package var params: Fields
  /// The contents of the file that came beside it; nil when none did.
  package var contents: [UInt8]?
}

/// A client that never blocks: calls and notifications over one socket, on an event loop.
///
/// Everything happens on the loop's thread. Nothing is called from within `call`, and nothing after `close`. A client that
/// is released closes its connection, and completes nothing.
package final class LoopClient {
  /// Bytes that may wait for the other side; more calls fail as `congested`.
  package static let queueLimit = 1 << 20

  /// Takes each notification.
  package var onNotification: (Notification) -> Void = { _ in }
  /// Called once when the connection has ended by itself, after every open call has failed.
  package var onEnd: (CallFailure?) -> Void = { _ in }

  private let loop: EventLoop
  private let channel: LineChannel
  private let pending: PendingCalls
  /// Why the other side ends the connection, as it said itself.
  private var farewell: RPCError?

  /// A client on a connected, non-blocking stream socket.
  /// - Parameter time: for time-outs; nil takes the loop's.
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

  /// Whether calls can still be made.
  package var isOpen: Bool { channel.isOpen }

  /// Sends a request.
  /// - Parameters:
  ///   - limit: how long the answer may take; nil for ever.
  ///   - done: called once: with the answer, or why there is none.
  package func call(
    _ method: String, _ params: Fields = [:], within limit: Duration? = .seconds(60),
    _ done: @escaping (Result<Answer, CallFailure>) -> Void
  ) {
    guard channel.isOpen else { return loop.later { done(.failure(.closed(method: method))) } }
    guard channel.waiting <= Self.queueLimit else { return loop.later { done(.failure(.congested(method: method))) } }
    let id = pending.add(method, within: limit, done)
    channel.send(Request(id: .number(id), method: method, params: params).encoded())
  }

  /// Sends a request that is not answered.
  /// - Returns: false when it was not sent: the connection has ended, or too much waits for the other side.
  @discardableResult
  package func notify(_ method: String, _ params: Fields = [:]) -> Bool {
    guard channel.isOpen, channel.waiting <= Self.queueLimit else { return false }
    channel.send(Request(id: nil, method: method, params: params).encoded())
    return true
  }

  /// Closes the connection. Open calls fail as `closed`; `onEnd` is not called.
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
      // Its file has to be taken even when nobody waits for the answer any more.
      let contents = try contents(announced: result["descriptor"])
      if let id = response.id { pending.complete(id, .success(Answer(result: result, contents: contents))) }
    case .failure(let error):
      // Without an id it is about the connection, which ends next.
      guard let id = response.id else { return farewell = error }
      pending.complete(id, .failure(.refused(error)))
    }
  }

  private func contents(announced: Value?) throws(MalformedMessage) -> [UInt8]? {
    guard announced?.bool == true else { return nil }
    guard let descriptor = channel.takeDescriptor(), let contents = try? MemoryFile.read(descriptor) else {
      throw MalformedMessage(error: RPCError(.invalidRequest, "an announced descriptor did not come"))
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

  /// - Parameter failure: nil when the other side has closed the connection without a word.
  private func finish(_ failure: CallFailure?) {
    pending.failAll { failure ?? .closed(method: $0) }
    onEnd(failure)
  }
}

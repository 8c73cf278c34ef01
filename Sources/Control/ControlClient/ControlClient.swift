import Linux
import Model
import RPC
import Wire

/// A blocking connection to the daemon, for the command line.
///
/// For one thread at a time. The connection closes with the object, which ends leases taken without `hold`.
package final class ControlClient {
  /// The path of the connected socket.
  package let socket: String
  private let connection: Descriptor
  private let timeout: Duration?
  private var receiver = Receiver()
  private var lastID: Int64 = 0

  /// Connects.
  /// - Parameters:
  ///   - path: the socket.
  ///   - timeout: the time-out of connecting and of each answer; nil for none.
  ///   - trust: the users who may own the socket and run the daemon; nil for any.
  package init(
    socket path: String, timeout: Duration? = .seconds(60), trust: SocketTrust? = nil
  ) throws(ClientError) {
    socket = path
    self.timeout = timeout
    try trust?.check(path)
    do throws(SystemError) {
      connection = try UnixSocket.connect(path, within: timeout)
    } catch {
      throw .connecting(path, error, group: SocketOwner.group(of: path))
    }
    try trust?.check(connection.number, path)
  }

  /// A successful answer.
  package struct Answer: Sendable {
    /// The `result` member.
    package var result: Value
    /// The contents of the file that was sent with the answer; nil for none.
    package var contents: [UInt8]?
  }

  /// A notification of a subscription.
  package struct Notification: Sendable {
    /// `events.event`, `agent.log`, `camera.frame` or `events.missed`.
    package var method: String
    /// The parameters by name.
    package var params: Fields
    /// The contents of the file that was sent with the notification; nil for none.
    package var contents: [UInt8]?
    /// The event of an `events.event`; nil for other notifications.
    package var event: Event? { params["event"].flatMap { try? Event($0) } }
  }

  /// Sends a request and waits for its answer. A request that the daemon refuses because of its rate limit is retried
  /// after the time that the daemon names, as long as the time-out allows.
  /// - Parameters:
  ///   - method: a method of `docs/control.md`.
  ///   - params: by name.
  /// - Throws: `refused` with the daemon's error, or the reason that there is no answer.
  package func call(_ method: String, _ params: Fields = [:]) throws(ClientError) -> Value {
    try callWithDescriptor(method, params).result
  }

  /// The same as `call`, for an answer that may carry a file, such as a picture.
  package func callWithDescriptor(_ method: String, _ params: Fields = [:]) throws(ClientError) -> Answer {
    let begin = System.monotonicNanoseconds()
    while true {
      let question = try ask(method, params)
      do throws(ClientError) {
        return try answer(to: question, within: timeout)
      } catch {
        guard case .refused(let refusal) = error, let wait = refusal.retryAfter,
          timeout.map({ System.monotonicNanoseconds() - begin + wait <= UInt64($0.nanoseconds) }) ?? true
        else { throw error }
        Pause.wait(nanoseconds: wait)
      }
    }
  }

  /// A sent request whose answer has not been read yet.
  package struct Question: Sendable {
    fileprivate let id: Int64
    fileprivate let method: String
  }

  /// Sends a request without waiting; `answer` reads the answer.
  package func ask(_ method: String, _ params: Fields = [:]) throws(ClientError) -> Question {
    Question(id: try send(method, params), method: method)
  }

  /// Waits for the answer to a request. After `timedOut` it may be called again.
  /// - Parameter time: the time-out; nil for none.
  package func answer(to question: Question, within time: Duration?) throws(ClientError) -> Answer {
    while true {
      switch try receive(question.method, within: time) {
      case .request(let message):
        // A notification of a subscription. Take its descriptor: otherwise the answer would get it.
        _ = try contents(of: .map(message.params))
      case .response(let response):
        // An error without an id concerns the connection, or a message that the daemon could not parse.
        guard response.id == nil || response.id == .number(question.id) else { continue }
        let result: Value
        switch response.outcome {
        case .success(let value): result = value
        case .failure(let error): throw .refused(error)
        }
        return Answer(result: result, contents: try contents(of: result))
      }
    }
  }

  /// Subscribes, calls `onMessage` for each notification until it returns false, and unsubscribes.
  /// - Parameters:
  ///   - method: `events.subscribe`, `agent.followLogs` or `getCameraStream`.
  ///   - onMessage: returns whether to continue. The notification `events.missed` reports dropped ones.
  /// - Throws: the errors of `call`; `closed` when the daemon closes the connection.
  package func subscribe(
    _ method: String, _ params: Fields = [:], _ onMessage: (Notification) -> Bool
  ) throws(ClientError) {
    let answer = try call(method, params)
    guard let number = answer["subscription"]?.int else { throw mismatch("no subscription number") }
    while true {
      guard case .request(let message) = try receive(method, within: nil) else { continue }
      // Take the descriptor even for another subscription: otherwise the next message would get it.
      let contents = try contents(of: .map(message.params))
      guard message.params["subscription"]?.int == number else { continue }
      if !onMessage(Notification(method: message.method, params: message.params, contents: contents)) { break }
    }
    _ = try call("events.unsubscribe", ["subscription": .int(number)])
  }

  private func send(_ method: String, _ params: Fields) throws(ClientError) -> Int64 {
    lastID += 1
    var rest = Request(id: .number(lastID), method: method, params: params).encoded()[...]
    do throws(SystemError) {
      while !rest.isEmpty {
        let count = try UnixSocket.send(connection.number, rest)
        if count == 0 { throw SystemError("send", errno: ErrorNumber.again) }
        rest = rest.dropFirst(count)
      }
    } catch {
      if error.errno == ErrorNumber.again { throw .timedOut(method: method, timeout ?? .zero) }
      // A daemon that refuses this client sends the reason before it closes: let the caller read it.
      guard error.errno == ErrorNumber.brokenPipe || error.errno == ErrorNumber.reset else { throw .system(error) }
    }
    return lastID
  }

  private func receive(_ method: String, within time: Duration?) throws(ClientError) -> Message {
    UnixSocket.setReceiveTimeout(connection.number, time)
    let line: ArraySlice<UInt8>?
    do throws(SystemError) {
      line = try receiver.nextLine(from: connection.number)
    } catch {
      switch error.errno {
      case ErrorNumber.again: throw .timedOut(method: method, time ?? .zero)
      case ErrorNumber.reset: throw .closed(method: method)
      case ErrorNumber.tooLong: throw mismatch("a line of more than 1 MiB")
      default: throw .system(error)
      }
    }
    guard let line else { throw .closed(method: method) }
    do throws(MalformedMessage) {
      return try Message(line)
    } catch {
      throw mismatch(error.error.message)
    }
  }

  /// Reads the file that a message with `"descriptor": true` announces; nil for other messages.
  private func contents(of value: Value) throws(ClientError) -> [UInt8]? {
    guard value["descriptor"]?.bool == true else { return nil }
    guard let descriptor = receiver.takeDescriptor() else { throw mismatch("an announced descriptor is missing") }
    do throws(SystemError) {
      return try MemoryFile.read(descriptor)
    } catch {
      throw .system(error)
    }
  }

  private func mismatch(_ what: String) -> ClientError { .protocolMismatch(socket, what) }
}

extension RPCError {
  /// The nanoseconds after which the request may be retried on the same connection; nil for an error other than the
  /// rate limit.
  fileprivate var retryAfter: UInt64? {
    guard known == .rateLimited, let milliseconds = data["retry_after_ms"]?.int, milliseconds >= 0 else { return nil }
    return UInt64(milliseconds) * 1_000_000
  }
}

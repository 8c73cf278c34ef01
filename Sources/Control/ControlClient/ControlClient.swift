import Linux
import Model
import RPC
import Wire

/// A connection to the daemon that waits for its answers: what the command line uses.
///
/// One thread at a time. The connection closes with the object; leases taken without `hold` end then.
public final class ControlClient {
  /// The socket this is connected to.
  public let socket: String
  private let connection: Descriptor
  private let timeout: Duration?
  private var receiver = Receiver()
  private var lastID: Int64 = 0

  /// Connects.
  /// - Parameters:
  ///   - socket: the path.
  ///   - timeout: how long one answer may take, and connecting; nil waits for ever.
  ///   - trust: whose the socket and the daemon must be; nil when it does not matter.
  public init(
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

  /// What the daemon answered.
  public struct Answer: Sendable {
    /// `result` of the answer.
    public var result: Value
    /// The contents of the file that came with it; nil when none did.
    public var contents: [UInt8]?
  }

  /// A message of a subscription.
  public struct Notification: Sendable {
    /// `events.event`, `agent.log`, `camera.frame`, `events.missed`.
    public var method: String
    /// What it says.
    public var params: Fields
    /// The contents of the file that came with it; nil when none did.
    public var contents: [UInt8]?
    /// The event of an `events.event`; nil for any other.
    public var event: Event? { params["event"].flatMap { try? Event($0) } }
  }

  /// Asks and waits for the answer. What the daemon refuses because of too many requests is asked again when the daemon
  /// says, as long as the timeout allows.
  /// - Parameters:
  ///   - method: as in `docs/control.md`.
  ///   - params: by name.
  /// - Throws: `refused` with what the daemon answered, or why there is no answer.
  public func call(_ method: String, _ params: Fields = [:]) throws(ClientError) -> Value {
    try callWithDescriptor(method, params).result
  }

  /// Asks and waits for an answer that may bring a file along, such as a picture; as `call` otherwise.
  public func callWithDescriptor(_ method: String, _ params: Fields = [:]) throws(ClientError) -> Answer {
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

  /// A request that waits for its answer.
  public struct Question: Sendable {
    fileprivate let id: Int64
    fileprivate let method: String
  }

  /// Asks, and comes back at once: `answer` has what comes of it.
  public func ask(_ method: String, _ params: Fields = [:]) throws(ClientError) -> Question {
    Question(id: try send(method, params), method: method)
  }

  /// Waits for the answer to a question.
  /// - Parameter time: how long; nil waits for ever. After `timedOut` it may be waited for again.
  public func answer(to question: Question, within time: Duration?) throws(ClientError) -> Answer {
    while true {
      switch try receive(question.method, within: time) {
      case .request(let message):
        // A subscription's message that came in between; its file has to be taken all the same.
        _ = try contents(of: .map(message.params))
      case .response(let response):
        // An answer without an id is about a message or a connection that the daemon could not make sense of.
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

  /// Subscribes, then calls `onMessage` for each message until it returns false.
  /// - Parameters:
  ///   - method: `events.subscribe`, `agent.followLogs` or `getCameraStream`.
  ///   - onMessage: returns whether to go on. `events.missed` tells that the daemon had to drop some.
  /// - Throws: as `call`; `closed` when the daemon goes away meanwhile.
  public func subscribe(
    _ method: String, _ params: Fields = [:], _ onMessage: (Notification) -> Bool
  ) throws(ClientError) {
    let answer = try call(method, params)
    guard let number = answer["subscription"]?.int else { throw mismatch("no subscription number") }
    while true {
      guard case .request(let message) = try receive(method, within: nil) else { continue }
      // Its file has to be taken even when the message is for nobody any more.
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
      // A daemon that turned this client away has said why before it closed.
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

  /// The file that a message with `"descriptor": true` announces.
  private func contents(of value: Value) throws(ClientError) -> [UInt8]? {
    guard value["descriptor"]?.bool == true else { return nil }
    guard let descriptor = receiver.takeDescriptor() else { throw mismatch("an announced descriptor did not come") }
    do throws(SystemError) {
      return try MemoryFile.read(descriptor)
    } catch {
      throw .system(error)
    }
  }

  private func mismatch(_ what: String) -> ClientError { .protocolMismatch(socket, what) }
}

extension RPCError {
  /// After how many nanoseconds the same request may be sent again on the same connection; nil when that is not why it
  /// was refused.
  fileprivate var retryAfter: UInt64? {
    guard known == .rateLimited, let milliseconds = data["retry_after_ms"]?.int, milliseconds >= 0 else { return nil }
    return UInt64(milliseconds) * 1_000_000
  }
}

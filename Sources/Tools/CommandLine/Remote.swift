import ControlClient
import Linux
import Model

/// The daemon at the other end of the socket, with its errors as the shell is told them.
final class Remote {
  private let client: ControlClient

  init(_ client: ControlClient) { self.client = client }

  /// The socket this is connected to.
  var socket: String { client.socket }

  /// Asks and waits for the answer.
  func call(_ method: String, _ params: Fields = [:]) throws(Failure) -> Value {
    do throws(ClientError) {
      return try client.call(method, params)
    } catch {
      throw Failure(error)
    }
  }

  /// Has the hardware moved, and waits for the answer.
  /// - Returns: what the daemon answered, with the socket it came by as `socket`.
  func move(_ method: String, _ params: Fields = [:]) throws(Failure) -> Value { named(try call(method, params)) }

  /// Asks, and comes back at once.
  func ask(_ method: String, _ params: Fields) throws(ClientError) -> ControlClient.Question {
    try client.ask(method, params)
  }

  /// Waits for the answer to a question, for so long.
  /// - Returns: as `move`.
  func answer(to question: ControlClient.Question, within time: Duration) throws(ClientError) -> Value {
    named(try client.answer(to: question, within: time).result)
  }

  private func named(_ result: Value) -> Value {
    guard case .map(var fields) = result else { return result }
    fields["socket"] = .string(socket)
    return .map(fields)
  }

  /// Asks for a picture.
  func picture(_ method: String, _ params: Fields) throws(Failure) -> (Value, [UInt8]) {
    let answer: ControlClient.Answer
    do throws(ClientError) {
      answer = try client.callWithDescriptor(method, params)
    } catch {
      throw Failure(error)
    }
    guard let picture = answer.contents else { throw Failure(.failed, "the daemon sent no picture") }
    return (answer.result, picture)
  }

  /// Subscribes, and hands each message to `onMessage` until Ctrl-C, the daemon's end, or an error of `onMessage`.
  ///
  /// What the daemon had to drop because nobody read fast enough is told on standard error.
  func follow(_ method: String, _ params: Fields, _ onMessage: (String, Fields) throws -> Void) throws {
    Interrupt.endsCleanly()
    var failure: (any Error)?
    do throws(ClientError) {
      try client.subscribe(method, params) { notification in
        do {
          switch notification.method {
          case "events.missed": Terminal.complain("\(notification.params["missed"]?.text() ?? "some") missed: too slow")
          case "subscription.ended":
            Terminal.complain("the daemon ended it: \(notification.params["reason"]?.text() ?? "no reason given")")
          default: try onMessage(notification.method, notification.params)
          }
          return true
        } catch {
          failure = error
          return false
        }
      }
    } catch {
      if failure == nil, case .closed = error {
        Terminal.complain("the daemon has ended")
      } else if failure == nil {
        throw Failure(error)
      }
    }
    if let failure { throw failure }
  }
}

import ControlClient
import Linux
import Model

/// The daemon at the other end of the socket, with its errors as the shell is told them.
final class Remote {
  private let client: ControlClient

  /// Connects.
  /// - Parameter timeout: how long one answer may take; nil waits for ever.
  init(socket: String, timeout: Duration?) throws(Failure) {
    do throws(ClientError) {
      client = try ControlClient(socket: socket, timeout: timeout)
    } catch {
      throw Failure(error)
    }
  }

  /// Asks and waits for the answer.
  func call(_ method: String, _ params: Fields = [:]) throws(Failure) -> Value {
    do throws(ClientError) {
      return try client.call(method, params)
    } catch {
      throw Failure(error)
    }
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

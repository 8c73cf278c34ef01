import ControlClient
import Linux
import Model
import RPC

/// A connection to a daemon whose errors are `Failure`s.
final class Remote {
  private let client: ControlClient

  init(_ client: ControlClient) { self.client = client }

  /// The path of the connected socket.
  var socket: String { client.socket }

  /// Sends a request and waits for the answer.
  func call(_ method: String, _ params: Fields = [:]) throws(Failure) -> Value {
    do throws(ClientError) {
      return try client.call(method, params)
    } catch {
      throw Failure(error)
    }
  }

  /// The same as `call`, for a method that moves hardware.
  /// - Returns: the result, with the path of the socket added as `socket`.
  func move(_ method: String, _ params: Fields = [:]) throws(Failure) -> Value { named(try call(method, params)) }

  /// Commands an actuator. If a person has to approve the command, waits for that, as long as this program runs.
  /// - Parameter onWait: called before the wait, with the data of the refusal.
  /// - Returns: the receipt, with the path of the socket added as `socket`.
  func control(_ params: Fields, onWait: (Value) -> Void) throws(Failure) -> Value {
    do throws(ClientError) { return named(try client.call("hal.control", params)) } catch {
      guard case .refused(let refusal) = error, refusal.known == .approvalNeeded,
        let id = refusal.data["approval"]?.string
      else { throw Failure(error) }
      onWait(.map(refusal.data))
      return named(try decision(id))
    }
  }

  private func decision(_ id: String) throws(Failure) -> Value {
    while true {
      let approval = try call("approvals.wait", ["approval": .string(id)])
      let by = approval["by"]?.string ?? "-"
      let why = approval["why"]?.string.map { ": \($0)" } ?? ""
      switch approval["state"] {
      case "waiting": continue
      case "approved":
        guard let receipt = approval["receipt"], receipt != .null else {
          throw Failure(.wrongState, "\(by) approved it, but the output has changed since")
        }
        return receipt
      case "denied": throw Failure(.denied, "\(by) denied it\(why)")
      case "expired": throw Failure(.busy, "nobody approved it in time")
      default: throw Failure(.busy, "it waits no more\(why)")
      }
    }
  }

  /// Sends a request without waiting.
  func ask(_ method: String, _ params: Fields) throws(ClientError) -> ControlClient.Question {
    try client.ask(method, params)
  }

  /// Waits for the answer to a request.
  /// - Returns: the result, with the path of the socket added as `socket`.
  func answer(to question: ControlClient.Question, within time: Duration) throws(ClientError) -> Value {
    named(try client.answer(to: question, within: time).result)
  }

  private func named(_ result: Value) -> Value {
    guard case .map(var fields) = result else { return result }
    fields["socket"] = .string(socket)
    return .map(fields)
  }

  /// Calls a method that returns a picture: the result, and the picture's bytes.
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

  /// Subscribes, and passes each notification to `onMessage` until Ctrl-C, the daemon's exit, or an error of
  /// `onMessage`.
  ///
  /// Reports dropped notifications on standard error.
  func follow(_ method: String, _ params: Fields, _ onMessage: (String, Fields) throws -> Void) throws {
    Interrupt.endsCleanly()
    var failure: (any Error)?
    do throws(ClientError) {
      try client.subscribe(method, params) { notification in
        do {
          switch notification.method {
          case "events.missed":
            Terminal.complain("\(notification.params["missed"]?.text() ?? "some") dropped: reading too slowly")
          case "subscription.ended":
            Terminal.complain(
              "the daemon ended the subscription: \(notification.params["reason"]?.text() ?? "no reason given")")
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

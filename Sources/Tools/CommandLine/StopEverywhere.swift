import ControlClient
import Linux
import Model

/// An emergency stop of several daemons in parallel: all requests are sent before any answer is awaited.
struct StopEverywhere {
  private struct Pending {
    var remote: Remote
    var question: ControlClient.Question
  }

  private var pending: [Pending] = []
  /// One failure for each daemon that did not confirm the stop.
  private(set) var failures: [Failure] = []

  /// Sends the request to every daemon.
  init(_ remotes: [Remote], reason: String?) {
    for remote in remotes {
      do throws(ClientError) {
        let question = try remote.ask("hal.emergencyStop", reason.map { ["reason": .string($0)] } ?? [:])
        pending.append(Pending(remote: remote, question: question))
      } catch {
        fail(remote, error)
      }
    }
  }

  /// How long somebody at the machine waits for a word.
  private static let patience = Duration.seconds(2)

  /// Waits for the answers. A daemon that has not answered within `limit` is a failure.
  /// - Parameters:
  ///   - onSilence: called once for each daemon that has not answered within two seconds, with what to say.
  ///   - onResult: called with each answer as soon as it arrives.
  mutating func gather(
    within limit: Duration, onSilence: (String) -> Void, _ onResult: (Value) throws -> Void
  ) rethrows {
    let begin = System.monotonicNanoseconds()
    let deadline = begin + UInt64(limit.nanoseconds)
    var isSilent = false
    while !pending.isEmpty {
      if !isSilent, System.monotonicNanoseconds() - begin >= UInt64(Self.patience.nanoseconds) {
        isSilent = true
        for one in pending {
          onSilence(
            "NOT KNOWN TO BE STOPPED: \(one.remote.socket.printable) has not answered for \(Self.patience.text), waiting up to "
              + "\(limit.text); cut the power if you must")
        }
      }
      let isOver = System.monotonicNanoseconds() >= deadline
      for one in pending {
        guard let outcome = look(one, isOver ? limit : nil) else { continue }
        pending.removeAll { $0.remote === one.remote }
        switch outcome {
        case .success(let result): try onResult(result)
        case .failure(let error): fail(one.remote, error)
        }
      }
    }
  }

  /// Reads an answer if it has arrived.
  /// - Parameter limit: the expired time-out, for the error; nil while there is time left.
  /// - Returns: nil while the answer may still come.
  private func look(_ one: Pending, _ limit: Duration?) -> Result<Value, ClientError>? {
    do throws(ClientError) {
      return .success(try one.remote.answer(to: one.question, within: .milliseconds(50)))
    } catch {
      guard case .timedOut(let method, _) = error else { return .failure(error) }
      return limit.map { .failure(.timedOut(method: method, $0)) }
    }
  }

  private mutating func fail(_ remote: Remote, _ error: ClientError) {
    var failure = Failure(error)
    failure.message = "NOT KNOWN TO BE STOPPED: \(remote.socket): \(failure.message); cut the power if you must"
    failures.append(failure)
  }
}

import Model

/// The calls without an answer. Each is completed once: by its answer, its time-out, or the end of the connection.
package final class PendingCalls {
  /// Receives the answer or the failure.
  package typealias Completion = (Result<Answer, CallFailure>) -> Void

  private struct Call {
    let method: String
    let timer: TimerID?
    let done: Completion
  }

  private let time: any Timekeeper
  private var calls: [Int64: Call] = [:]
  private var lastID: Int64 = 0

  /// No calls.
  /// - Parameter time: the clock of time-outs.
  package init(time: any Timekeeper) { self.time = time }

  deinit { for call in calls.values { if let timer = call.timer { time.cancel(timer) } } }

  /// Adds a call.
  /// - Parameter limit: the time-out; nil for none.
  /// - Returns: the id for the request.
  package func add(_ method: String, within limit: Duration?, _ done: @escaping Completion) -> Int64 {
    lastID += 1
    let id = lastID
    let timer = limit.map { limit in
      time.schedule(after: limit) { [weak self] in
        self?.calls.removeValue(forKey: id)?.done(.failure(.timedOut(method: method, limit)))
      }
    }
    calls[id] = Call(method: method, timer: timer, done: done)
    return id
  }

  /// Completes a call; ignores the id of a call that has already been completed.
  package func complete(_ id: RequestID, _ outcome: Result<Answer, CallFailure>) {
    guard case .number(let number) = id, let call = calls.removeValue(forKey: number) else { return }
    if let timer = call.timer { time.cancel(timer) }
    call.done(outcome)
  }

  /// Fails every call, oldest first.
  package func failAll(_ failure: (_ method: String) -> CallFailure) {
    for id in calls.keys.sorted() {
      // An earlier completion may have completed this one.
      guard let call = calls[id] else { continue }
      complete(.number(id), .failure(failure(call.method)))
    }
  }
}

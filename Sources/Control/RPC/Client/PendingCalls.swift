import Model

/// Calls that wait for their answers: each is completed once, by its answer, its time-out, or the end of everything.
final class PendingCalls {
  typealias Completion = (Result<Answer, CallFailure>) -> Void

  private struct Call {
    let method: String
    let timer: TimerID?
    let done: Completion
  }

  private let time: any Timekeeper
  private var calls: [Int64: Call] = [:]
  private var lastID: Int64 = 0

  init(time: any Timekeeper) { self.time = time }

  deinit { for call in calls.values { if let timer = call.timer { time.cancel(timer) } } }

  /// Adds a call.
  /// - Parameter limit: how long its answer may take; nil for ever.
  /// - Returns: the id for its request.
  func add(_ method: String, within limit: Duration?, _ done: @escaping Completion) -> Int64 {
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

  /// Completes a call; does nothing for an id that is not waited for any more.
  func complete(_ id: RequestID, _ outcome: Result<Answer, CallFailure>) {
    guard case .number(let number) = id, let call = calls.removeValue(forKey: number) else { return }
    if let timer = call.timer { time.cancel(timer) }
    call.done(outcome)
  }

  /// Fails every call, the oldest first.
  func failAll(_ failure: (_ method: String) -> CallFailure) {
    for id in calls.keys.sorted() {
      // A completion may have ended others.
      guard let call = calls[id] else { continue }
      complete(.number(id), .failure(failure(call.method)))
    }
  }
}

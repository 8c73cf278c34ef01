import Agent
import Model

/// A host call that is answered later. Meanwhile the guest is suspended: it is not polled, and its time does not run.
final class PendingCall {
  /// The address of the result.
  let place: UInt32
  let began: Instant
  fileprivate(set) var answer: Result<[UInt8]?, AgentError>?
  fileprivate var timer: TimerID?
  fileprivate var withdraw: (() -> Void)?

  fileprivate init(_ place: UInt32, began: Instant) {
    self.place = place
    self.began = began
  }
}

extension Guest {
  /// Begins a call that is answered later, with the result's bytes.
  /// - Parameters:
  ///   - place: the address of the `result<string, error>`.
  ///   - begin: begins the call and returns a function that cancels it. `done` may be called at once or later.
  func wait(
    at place: UInt32,
    _ begin: (any AgentHost, @escaping (Result<[UInt8], AgentError>) -> Void) throws(AgentError) -> () -> Void
  ) throws(GuestFault) -> PendingCall {
    try checkArea(place)
    guard let host else { throw .stopped }
    let wait = PendingCall(place, began: clock.now)
    do throws(AgentError) {
      let withdraw = try begin(host) { [weak self, weak wait] result in
        guard let wait else { return }
        self?.answered(wait, result.map { $0 })
      }
      if wait.answer == nil {
        wait.withdraw = withdraw
        let patience = limits.wait
        wait.timer = clock.schedule(after: patience) { [weak self, weak wait] in
          guard let wait, let withdraw = wait.withdraw.take() else { return }
          withdraw()
          let late = AgentError(.unavailable, "no answer within \(patience.text)")
          (self?.host as? any RefusalStore)?.note(late)
          self?.answered(wait, .failure(late))
        }
        waiting = wait
      }
    } catch {
      wait.answer = .failure(error)
    }
    return wait
  }

  private func answered(_ wait: PendingCall, _ result: Result<[UInt8]?, AgentError>) {
    guard wait.answer == nil else { return }
    wait.answer = result
    forget(wait)
    guard waiting === wait else { return }
    waiting = nil
    noteWait(of: clock.now - wait.began)
    onWake?()
  }

  private func forget(_ wait: PendingCall) {
    wait.withdraw = nil
    if let timer = wait.timer.take() { clock.cancel(timer) }
  }

  /// Cancels the pending call.
  func withdraw() {
    guard let wait = waiting.take() else { return }
    wait.withdraw?()
    forget(wait)
  }
}

import Model

/// The life of one agent as a table: (state, event) → (state, effects). No clock, no I/O.
///
/// The time, the queue length and a random number come in with each event. Do not call `apply` while the effects of an
/// earlier call are being carried out: queue the event, because drivers may answer immediately.
package struct Lifecycle: Sendable {
  /// When the agent runs: `always`, `on-demand` or `one-shot`.
  package let kind: Manifest.Lifecycle
  /// The restart policy.
  package var policy: Policy
  /// The current phase, with what belongs to it.
  var phase = Phase.idle
  /// Restarts by policy since the daemon started.
  package internal(set) var restarts: UInt64 = 0
  /// Why the last instance ended; nil when none has.
  package internal(set) var lastExit: ExitReason?
  /// The last failure; nil when there was none.
  package internal(set) var lastFailure: AgentFailure?

  /// The times of the restarts by policy within the window.
  var history: [Instant] = []
  /// The number of consecutive restarts after which no instance lived for a whole window.
  var exponent = 0
  /// Whether the engine that holds its container has been away since the last start that succeeded.
  package internal(set) var isEngineAway = false
  /// The daemon is shutting down: nothing starts any more.
  var isClosed = false

  /// An idle agent that has never run.
  package init(_ kind: Manifest.Lifecycle, policy: Policy) {
    self.kind = kind
    self.policy = policy
  }

  /// The current state.
  package var state: LifecycleState { phase.state }

  /// When the running instance became ready; nil when none runs.
  package var started: Instant? {
    switch phase {
    case .ready(let since), .active(let since): since
    case .draining(let ending), .stopping(let ending): ending.started
    case .idle, .starting, .backoff, .quarantined: nil
    }
  }

  /// Whether an event may be queued for the agent now. When false, the caller must refuse the event.
  ///
  /// An `always` agent that a person stopped stays stopped. An event starts agents of the other kinds.
  package var accepts: Bool {
    switch phase {
    case .idle: kind != .always && !isClosed
    case .starting, .ready, .active, .backoff: true
    case .draining(let ending), .stopping(let ending): ending.next != .rest
    case .quarantined: false
    }
  }

  /// Handles one event.
  /// - Parameters:
  ///   - now: on the monotonic clock.
  ///   - queued: the length of the agent's queue, including the event just delivered.
  ///   - random: from 0 to 1; the jitter of the back-off.
  /// - Returns: the effects to carry out, in order. Empty when the event does not apply in this state, such as a late
  ///   answer or timer.
  package mutating func apply(
    _ event: LifecycleEvent, at now: Instant, queued: Int, random: Double
  ) -> [LifecycleEffect] {
    switch (phase, event) {
    // idle: registered, no instance.
    case (.idle, .spawn), (.idle, .restart): return start()
    case (.idle, .deliver): return accepts ? start() : []
    case (.idle, .kill): return [.done]
    case (.idle, .quarantine(let failure)): return quarantine(failure)
    case (.idle, .shutdown): return close()

    // starting: the driver is creating an instance. It always answers, whatever happens in the meantime.
    case (.starting, .started): return ready(queued: queued, at: now)
    case (.starting, .startFailed(let failure)):
      let reason = failure.reason == .engineAway ? failure.reason : .startFailed
      return gone(reason) + [.done] + fail(failure, at: now, random: random)
    case (.starting, .startRefused(let refusal)):
      return gone(.refused) + [.done, .refuse(refusal)] + retryRefusedStart(at: now, random: random)
    case (.starting, .failed(let failure)): return giveUp(failure)
    case (.starting, .exited(let reason, let why)): return crash(reason, why, at: now, random: random)
    case (.starting, .kill(let atOnce)): return end(.killed, now: atOnce, next: .rest)
    case (.starting, .restart): return end(.killed, now: false, next: .start)
    case (.starting, .end(let reason)): return end(reason, now: false, next: .rest)
    case (.starting, .shutdown): return close()

    // ready: an instance waits for events.
    case (.ready(let since), .deliver): return activate(since: since, queued: queued)
    case (.ready, .failed(let failure)): return giveUp(failure)
    case (.ready, .exited(let reason, let why)):
      return leave(reason, why, queued: queued, at: now, random: random)
    case (.ready, .kill(let atOnce)): return end(.killed, now: atOnce, next: .rest)
    case (.ready, .restart): return end(.killed, now: false, next: .start)
    case (.ready, .end(let reason)): return end(reason, now: false, next: .rest)
    case (.ready, .shutdown): return close()

    // active: an instance handles an event.
    case (.active(let since), .completed): return finish(.completed, since: since, queued: queued)
    case (.active(let since), .refused(let refusal)):
      return [.refuse(refusal)] + finish(.refused, since: since, queued: queued)
    case (.active, .failed(let failure)): return giveUp(failure)
    case (.active, .exited(.completed, _)) where kind == .oneShot:
      return gone(.completed) + again(.completed, queued: queued)
    case (.active, .exited(let reason, let why)): return crash(reason, why, at: now, random: random)
    case (.active, .kill(let atOnce)): return end(.killed, now: atOnce, next: .rest)
    case (.active, .restart): return end(.killed, now: false, next: .start)
    case (.active, .end(let reason)): return end(reason, now: false, next: .rest)
    case (.active, .shutdown): return close()

    // draining: the instance finishes its current event within the grace time and accepts no other.
    case (.draining(let ending), .started), (.draining(let ending), .completed): return askToStop(ending, at: now)
    case (.draining(let ending), .refused(let refusal)): return [.refuse(refusal)] + askToStop(ending, at: now)
    case (.draining(let ending), .failed(let failure)): return note(failure) + askToStop(ending, at: now)
    case (.draining(let ending), .graceElapsed): return stopNow(ending)
    case (.draining(var ending), .kill(now: true)):
      let effects = ending.retarget(.rest, .killed, unless: isClosed)
      return effects + stopNow(ending)

    // stopping: the instance is being stopped immediately.
    case (.stopping(let ending), .started): return stopStarted(ending)

    // draining and stopping: the instance ends; the event may change what follows.
    case (.draining(let ending), .startFailed(let failure)), (.stopping(let ending), .startFailed(let failure)):
      let noted = failure.reason == .killed ? [] : note(failure)
      return noted + settle(ending, queued: queued, at: now, random: random)
    case (.draining(let ending), .startRefused(let refusal)), (.stopping(let ending), .startRefused(let refusal)):
      return [.refuse(refusal)] + settle(ending, queued: queued, at: now, random: random)
    case (.draining(let ending), .exited), (.stopping(let ending), .exited):
      return settle(ending, queued: queued, at: now, random: random)
    case (.draining, .kill), (.stopping, .kill): return retarget(.rest, .killed)
    case (.draining, .restart), (.stopping, .restart): return retarget(.start, .killed)
    case (.draining, .comeBack), (.stopping, .comeBack): return retarget(.comeBack)
    // It ends for good already.
    case (.draining(let ending), .end) where ending.next == .rest,
      (.stopping(let ending), .end) where ending.next == .rest:
      return []
    case (.draining, .end(let reason)), (.stopping, .end(let reason)): return retarget(.rest, reason)
    case (.draining, .shutdown), (.stopping, .shutdown): return close()

    // backoff: failed, waiting for its restart. Events are queued.
    case (.backoff, .backoffElapsed): return startAgain(queued: queued)
    case (.backoff, .spawn), (.backoff, .restart): return forgive() + [.cancelTimers] + start()
    case (.backoff, .kill): return [.cancelTimers] + rest(.killed) + [.done]
    case (.backoff, .end(let reason)): return [.cancelTimers] + rest(reason) + [.done]
    case (.backoff, .shutdown): return close()

    // quarantined: failed too often; only a person can start it again.
    case (.quarantined, .restart): return forgive() + start()
    case (.quarantined, .kill): return [.done]
    case (.quarantined, .shutdown): return close()

    // Every other event is late, or asks for the current state.
    default: return []
    }
  }
}

import Model

/// The timers that one agent has set, by name.
final class AgentTimers {
  /// The most timers of an agent.
  static let most = 16
  /// The longest delay.
  static let longest = Duration.seconds(366 * 24 * 3600)
  /// The shortest delay of a timer that repeats.
  static let shortestInterval = Duration.milliseconds(100)

  private struct Timer {
    let id: TimerID
    /// The event in which it was set.
    let cause: Cause?
  }

  private let clock: any Timekeeper
  private var timers: [Name: Timer] = [:]
  /// Called with the name of a timer whose time has come, and the event in which it was set.
  private let elapsed: (String, Cause?) -> Void

  init(_ clock: any Timekeeper, _ elapsed: @escaping (String, Cause?) -> Void) {
    self.clock = clock
    self.elapsed = elapsed
  }

  var isEmpty: Bool { timers.isEmpty }

  /// Sets a timer, or replaces the one of that name.
  /// - Throws: `limited` beyond `most`, `invalid` for a delay out of range or an empty name.
  func set(_ name: String, after delay: Duration, repeats: Bool, cause: Cause?) throws(AgentError) {
    if name.isEmpty { throw AgentError(.invalid, "a timer needs a name") }
    let shortest = repeats ? Self.shortestInterval : .milliseconds(1)
    guard delay >= shortest, delay <= Self.longest else {
      throw AgentError(
        .invalid, "timer '\(name)': \(delay.text), expected \(shortest.text) to \(Self.longest.text)")
    }
    guard timers[Name(name)] != nil || timers.count < Self.most else {
      throw AgentError(.limited, "timer '\(name)': there are \(Self.most) timers already")
    }
    cancel(name)
    schedule(name, at: clock.now + delay, every: repeats ? delay : nil, cause)
  }

  private func schedule(_ name: String, at due: Instant, every interval: Duration?, _ cause: Cause?) {
    let id = clock.schedule(at: due) { [weak self] in
      guard let self else { return }
      timers[Name(name)] = nil
      if let interval {
        // After a time without CPU the missed ones are not made up for.
        schedule(name, at: max(due + interval, clock.now), every: interval, cause)
      }
      elapsed(name, cause)
    }
    timers[Name(name)] = Timer(id: id, cause: cause)
  }

  /// Cancels a timer; does nothing if there is none.
  func cancel(_ name: String) {
    if let timer = timers.removeValue(forKey: Name(name)) { clock.cancel(timer.id) }
  }

  /// Cancels all timers.
  func cancelAll() { for timer in timers.values { clock.cancel(timer.id) } }
}

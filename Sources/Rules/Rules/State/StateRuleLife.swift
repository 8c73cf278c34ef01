/// The life of a state rule: a pure function from a state and an event to the next state and its effects.
///
/// The engine measures the times, evaluates the conditions and carries out the effects.
package enum StateRuleLife: String, Sendable, Hashable, CaseIterable {
  /// A person has disabled it.
  case off
  /// An emergency stop has ended it, and its trigger was not false since.
  case stopped
  /// It waits for its trigger.
  case waiting
  /// Its trigger is true; `for` is not over.
  case arming
  /// `for` is over; its guard does not allow it to begin.
  case armed
  /// It lasts.
  case lasting
  /// Its condition has ended; `linger` is not over.
  case lingering
  /// It lasted when the daemon ended, and nothing has ended it since; it keeps nothing yet.
  case resuming

  /// Whether it keeps outputs, or has done `action` and not yet `end`.
  package var lasts: Bool { self == .lasting || self == .lingering }

  /// What its conditions say at one time.
  package struct Look: Sendable, Hashable {
    /// The trigger: `while`, or `when` and not `until`. Unknown if any of them is.
    package var trigger: Truth
    /// What ends it: not `while`, or `until`.
    package var end: Truth
    /// Whether any of its conditions but the guard is unknown.
    package var isUnknown: Bool
    /// The guard: `if`, `between`, `weekdays`, and what is left of `at_most`.
    package var allows: Truth

    /// - Parameters:
    ///   - trigger: `while`, or `when` and not `until`.
    ///   - end: not `while`, or `until`.
    ///   - isUnknown: whether `while`, `when` or `until` is unknown.
    ///   - allows: the guard.
    package init(trigger: Truth, end: Truth, isUnknown: Bool, allows: Truth) {
      self.trigger = trigger
      self.end = end
      self.isUnknown = isUnknown
      self.allows = allows
    }
  }

  /// What can happen to it.
  package enum Happening: Sendable, Hashable {
    /// Its conditions were looked at.
    case looked(Look)
    /// The time of `for` is over.
    case held(Look)
    /// The time of `linger` is over.
    case lingered
    /// A person has disabled it, or enabled it again.
    case disabled
    case enabled
    /// It is no longer in its file.
    case removed
    /// An emergency stop has begun. Only for rules with `keep`.
    case stopBegan
    /// The stop is cleared and the trigger was false at its end or since, or a person resumes the rule.
    case stopCleared
    /// It resumes after a start, and its conditions stay unknown for longer than its sensors may be silent.
    case stayedUnknown
  }

  /// What the engine does, in this order.
  package enum Effect: Sendable, Hashable {
    /// Starts the time of `for`.
    case startHold
    /// Starts the time of `linger`.
    case startLinger
    /// Stops the time of `for` or `linger`.
    case cancelTime
    /// Sets the bit, does `action`, claims the outputs.
    case begin
    /// Claims the outputs, with inherited leases.
    case resume
    /// Drops the claim, cancels what waits, clears the bit; does `end` if `acts`.
    case end(acts: Bool)
    /// Looks again at the next turn.
    case lookAgain
  }

  /// The next state and its effects.
  /// - Parameter hasHold: whether the rule has a `for`.
  /// - Parameter hasLinger: whether it has a `linger`.
  package func next(
    _ happening: Happening, hasHold: Bool, hasLinger: Bool
  ) -> (state: StateRuleLife, effects: [Effect]) {
    switch happening {
    case .disabled:
      if self == .off { return (.off, []) }
      return (.off, leaving(acts: true))
    case .removed: return (.off, leaving(acts: false))
    case .enabled: return self == .off ? (.waiting, [.lookAgain]) : (self, [])
    case .stopBegan:
      if self == .off || self == .stopped { return (self, []) }
      return (.stopped, leaving(acts: true))
    case .stopCleared: return self == .stopped ? (.waiting, [.lookAgain]) : (self, [])
    case .lingered: return self == .lingering ? (.waiting, [.end(acts: true), .lookAgain]) : (self, [])
    case .stayedUnknown: return self == .resuming ? (.waiting, [.end(acts: true), .lookAgain]) : (self, [])
    case .held(let look):
      guard self == .arming else { return (self, []) }
      return StateRuleLife.armed.looked(look, hasHold: hasHold, hasLinger: hasLinger)
    case .looked(let look): return looked(look, hasHold: hasHold, hasLinger: hasLinger)
    }
  }

  private func looked(_ look: Look, hasHold: Bool, hasLinger: Bool) -> (state: StateRuleLife, effects: [Effect]) {
    switch self {
    case .off, .stopped: return (self, [])
    case .waiting:
      guard look.trigger == .yes else { return (.waiting, []) }
      return hasHold ? (.arming, [.startHold]) : StateRuleLife.armed.looked(look, hasHold: false, hasLinger: hasLinger)
    case .arming: return look.trigger == .yes ? (.arming, []) : (.waiting, [.cancelTime])
    case .armed:
      guard look.trigger == .yes else { return (.waiting, []) }
      return look.allows == .yes ? (.lasting, [.begin]) : (.armed, [])
    case .lasting:
      if look.isUnknown || look.allows != .yes { return (.waiting, [.end(acts: true), .lookAgain]) }
      guard look.end == .yes else { return (.lasting, []) }
      return hasLinger ? (.lingering, [.startLinger]) : (.waiting, [.end(acts: true), .lookAgain])
    case .lingering:
      if look.isUnknown || look.allows != .yes { return (.waiting, [.cancelTime, .end(acts: true), .lookAgain]) }
      return look.end == .no ? (.lasting, [.cancelTime]) : (.lingering, [])
    case .resuming:
      if look.isUnknown || look.allows.isUnknown {
        // What is known may still end it: a guard that is false, or a condition that has ended.
        return look.end == .yes || look.allows == .no ? (.waiting, [.end(acts: true), .lookAgain]) : (.resuming, [])
      }
      return look.end == .yes || look.allows != .yes
        ? (.waiting, [.end(acts: true), .lookAgain]) : (.lasting, [.resume])
    }
  }

  /// The effects of leaving this state for one that does nothing.
  private func leaving(acts: Bool) -> [Effect] {
    switch self {
    case .arming: [.cancelTime]
    case .lasting, .resuming: [.end(acts: acts)]
    case .lingering: [.cancelTime, .end(acts: acts)]
    case .off, .stopped, .waiting, .armed: []
    }
  }
}

/// The result of a condition: true, false or unknown.
package enum Truth: Sendable, Hashable {
  case no
  case yes
  /// It cannot be known, for this reason: one sentence without a full stop.
  case unknown(String)

  /// Whether it is unknown.
  package var isUnknown: Bool { if case .unknown = self { true } else { false } }

  /// A truth that is known.
  package init(_ holds: Bool) { self = holds ? .yes : .no }

  /// The opposite; unknown stays unknown.
  package static prefix func ! (truth: Truth) -> Truth {
    switch truth {
    case .no: .yes
    case .yes: .no
    case .unknown: truth
    }
  }

  /// True if both are, false if either is, otherwise unknown.
  package static func && (left: Truth, right: Truth) -> Truth {
    switch (left, right) {
    case (.no, _), (_, .no): .no
    case (.unknown, _): left
    default: right
    }
  }
}

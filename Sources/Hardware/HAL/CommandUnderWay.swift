import Model

/// The latest command to the hardware, until its answer; answers to earlier commands are ignored.
struct CommandUnderWay {
  private var number: UInt64 = 0
  /// The commanded level; nil when no answer is pending.
  private(set) var target: Double?
  /// Whether `driver.set` has not returned yet.
  private(set) var isBeingTold = false
  private var answer: Result<Void, HALError.Fault>?

  /// Whether the hardware has yet to answer.
  var isWaiting: Bool { target != nil }

  /// Begins a command to drive `target`.
  /// - Returns: the number to pass to `end` with the answer.
  mutating func begin(_ target: Double) -> UInt64 {
    number &+= 1
    self.target = target
    isBeingTold = true
    answer = nil
    return number
  }

  /// Notes that `driver.set` has returned.
  /// - Returns: the answer that came within the call; nil when it comes later.
  mutating func told() -> Result<Void, HALError.Fault>? {
    isBeingTold = false
    return answer.take()
  }

  /// Notes the hardware's answer.
  /// - Returns: the commanded level; nil when this answers an earlier command.
  mutating func end(_ number: UInt64, _ result: Result<Void, HALError.Fault>) -> Double? {
    guard number == self.number, let target = self.target.take() else { return nil }
    if isBeingTold { answer = result }
    return target
  }

  /// Drops the command and its answer: the hardware has gone.
  mutating func forget() {
    number &+= 1
    target = nil
  }
}

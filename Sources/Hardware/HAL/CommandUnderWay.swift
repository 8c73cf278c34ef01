import Model

/// What the hardware was told last, until it has answered.
struct CommandUnderWay {
  private var number: UInt64 = 0
  /// The level it was told; nil when there is nothing to wait for.
  private(set) var target: Double?
  /// Whether `driver.set` has not returned yet.
  private(set) var isBeingTold = false
  private var answer: Result<Void, HALError.Fault>?

  /// Whether the hardware has yet to answer.
  var isWaiting: Bool { target != nil }

  /// The hardware is about to be told `target`.
  /// - Returns: what its answer is known by.
  mutating func begin(_ target: Double) -> UInt64 {
    number &+= 1
    self.target = target
    isBeingTold = true
    answer = nil
    return number
  }

  /// `driver.set` has returned.
  /// - Returns: what it answered within the call; nil when it answers later.
  mutating func told() -> Result<Void, HALError.Fault>? {
    isBeingTold = false
    return answer.take()
  }

  /// The hardware answers.
  /// - Returns: the level that it was told; nil when this is no answer to what was said last.
  mutating func end(_ number: UInt64, _ result: Result<Void, HALError.Fault>) -> Double? {
    guard number == self.number, let target = self.target.take() else { return nil }
    if isBeingTold { answer = result }
    return target
  }

  /// Nobody is there to answer.
  mutating func forget() {
    number &+= 1
    target = nil
  }
}

import OpenStarryAgent

/// Counts the failed tool calls of one event, and says when there are too many.
struct FailureMeter {
  private let settings: Settings
  private var inARow = 0
  private var last: (name: String, arguments: Fields?)?
  private var sameInARow = 0
  /// Whether each of the last calls failed, oldest first.
  private var window: [Bool] = []

  init(_ settings: Settings) { self.settings = settings }

  /// - Parameters:
  ///   - arguments: nil where the model wrote no JSON object.
  /// - Returns: why to end; nil to go on.
  mutating func note(_ name: String, _ arguments: Fields?, failed: Bool) -> TurnEnd? {
    window.append(failed)
    if window.count > settings.errorWindow { window.removeFirst() }
    guard failed else {
      (inARow, sameInARow, last) = (0, 0, nil)
      return nil
    }
    inARow += 1
    let isSame = last.map { $0.name.isSame(as: name) && $0.arguments == arguments } ?? false
    sameInARow = isSame ? sameInARow + 1 : 1
    last = (name, arguments)
    if sameInARow >= settings.repetitiveFailThreshold { return .repetitiveFail }
    if inARow >= settings.frustrationThreshold { return .frustration }
    let failures = window.count { $0 }
    let isFull = window.count >= settings.errorWindow
    return isFull && Double(failures) >= settings.errorRateThreshold * Double(window.count) ? .errorRate : nil
  }
}

import Agent
import Model

/// The levels of an output over time, real or imagined: the newest changes, and totals that lose nothing.
struct LevelHistory {
  /// From when on it had a level.
  struct Step {
    var at: Instant
    var level: Double
    /// Who holds it, or moved it last; nil before anybody has.
    var holder: String?
  }

  /// The most changes that are kept.
  static let most = 512

  /// The oldest step that is known: the first, or the last one that was dropped.
  private(set) var base: Step
  private var steps: [Step] = []
  private let safe: Double
  private var counted: ShadowComparison.Use
  /// When the record began.
  let start: Instant

  /// - Parameter safe: the level of the safe state.
  init(_ first: Step, safe: Double) {
    base = first
    start = first.at
    self.safe = safe
    counted = ShadowComparison.Use()
  }

  /// The newest step.
  var last: Step { steps.last ?? base }

  mutating func note(_ step: Step) {
    let before = last
    // One that only renews a lease.
    if before.level == step.level, before.holder == step.holder { return }
    if before.level != safe { counted.onTime += step.at - before.at }
    if before.level != step.level { counted.switchings += 1 }
    if steps.count == Self.most { base = steps.removeFirst() }
    steps.append(step)
  }

  /// How it was used since the record began.
  func total(at now: Instant) -> ShadowComparison.Use {
    var total = counted
    if last.level != safe { total.onTime += now - last.at }
    return total
  }

  /// The steps from a time on, after the one that was in force until then. The time must not be before `base`.
  func steps(from time: Instant) -> [Step] {
    let later = steps.firstIndex { $0.at >= time } ?? steps.count
    var first = later > 0 ? steps[later - 1] : base
    first.at = time
    return [first] + steps[later...]
  }

  /// How it was used in the time of steps.
  func use(in steps: [Step], until now: Instant) -> ShadowComparison.Use {
    var use = ShadowComparison.Use()
    for (place, step) in steps.enumerated() {
      let end = place + 1 < steps.count ? steps[place + 1].at : now
      if step.level != safe { use.onTime += end - step.at }
      if place > 0, steps[place - 1].level != step.level { use.switchings += 1 }
    }
    return use
  }
}

extension ShadowComparison {
  /// The times in which two levels differed, oldest first.
  /// - Parameters:
  ///   - would: the imagined steps; both begin at the same time.
  ///   - did: the real steps.
  static func differences(
    _ would: [LevelHistory.Step], _ did: [LevelHistory.Step], until now: Instant
  ) -> [Difference] {
    var found: [Difference] = []
    var (one, other) = (0, 0)
    var time = did[0].at
    while true {
      let nextOne = one + 1 < would.count ? would[one + 1].at : nil
      let nextOther = other + 1 < did.count ? did[other + 1].at : nil
      let end = [nextOne, nextOther].compactMap(\.self).min()
      let (imagined, real) = (would[one], did[other])
      // Steps of the same moment: no time passes between them.
      if imagined.level != real.level, (end ?? now) > time {
        if let last = found.last, last.to == time, last.would == imagined.level, last.did == real.level,
          last.holder == real.holder
        {
          found[found.count - 1].to = end
        } else {
          found.append(
            Difference(from: time, to: end, would: imagined.level, did: real.level, holder: real.holder))
        }
      }
      guard let end else { return found }
      time = end
      if nextOne == end { one += 1 }
      if nextOther == end { other += 1 }
    }
  }
}

import Model

/// Conditions that are looked at when something they name changes, or at a computed time; never by polling.
final class RuleWatch {
  /// What the conditions name, without duplicates.
  let subjects: [RuleSubject]
  /// Looks at them. The subject is the one that has changed; nil when time has passed, and for the first look.
  var look: (RuleSubject?) -> Void
  /// The order of looks within a turn.
  let rank: Int
  /// Whether it waits for its look, and what has changed.
  var isDirty = false
  var change: RuleSubject?
  /// The timer of the computed instant at which it is looked at, and that instant.
  var timer: TimerID?
  var due = Instant(nanoseconds: .max)

  init(_ subjects: [RuleSubject], rank: Int, look: @escaping (RuleSubject?) -> Void) {
    self.subjects = subjects
    self.rank = rank
    self.look = look
  }
}

/// Watches by what they name.
struct WatchList {
  private var bySubject: [RuleSubject: [RuleWatch]] = [:]

  /// Whether no watch names anything.
  var isEmpty: Bool { bySubject.isEmpty }

  /// Everything that is named.
  var subjects: some Collection<RuleSubject> { bySubject.keys }

  /// Every watch that names something, once for each subject.
  var all: [RuleWatch] { bySubject.values.flatMap(\.self) }

  mutating func add(_ watch: RuleWatch) {
    for subject in watch.subjects { bySubject[subject, default: []].append(watch) }
  }

  /// Removes a watch, which is looked at no more, even if it waits for that.
  mutating func remove(_ watch: RuleWatch) {
    watch.isDirty = false
    watch.look = { _ in }
    for subject in watch.subjects {
      bySubject[subject]?.removeAll { $0 === watch }
      if bySubject[subject]?.isEmpty ?? false { bySubject[subject] = nil }
    }
  }

  subscript(_ subject: RuleSubject) -> [RuleWatch] { bySubject[subject] ?? [] }
}

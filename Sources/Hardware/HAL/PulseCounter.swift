import Model

/// Counts the pulses of one input.
final class PulseCounter {
  /// The number of pulses at a time.
  private struct Mark {
    var at: Instant
    var pulses: UInt64
  }

  /// The window is remembered with this precision, so that a fast meter needs no more memory than a slow one.
  private static let marks = 64
  private let settings: CountSettings
  /// All pulses that are known, those of earlier processes included.
  private(set) var pulses: UInt64 = 0
  /// The times of pulses in the window, the newest last.
  private var marks: [Mark] = []
  /// Called for each pulse.
  var onPulse: () -> Void = {}

  /// The number of marks in use.
  var markCount: Int { marks.count }

  init(_ settings: CountSettings) { self.settings = settings }

  /// What was counted, in the input's unit.
  var total: Double { Double(pulses) * settings.perPulse }

  /// Counts pulses.
  /// - Parameters:
  ///   - count: more than one when the times of the earlier ones are not known.
  ///   - time: of the last one.
  func add(_ count: UInt64 = 1, at time: Instant) {
    guard count > 0 else { return }
    pulses &+= count
    forget(before: time)
    let pulse = Mark(at: time, pulses: pulses)
    // The newest mark moves while it is close to the one before it.
    if marks.count > 1, time - marks[marks.count - 2].at < settings.window / Self.marks {
      marks[marks.count - 1] = pulse
    } else {
      marks.append(pulse)
    }
    onPulse()
  }

  /// Adds the pulses that an earlier process counted.
  func recall(_ earlier: UInt64) {
    pulses &+= earlier
    for index in marks.indices { marks[index].pulses &+= earlier }
  }

  /// Units a minute: from the first to the last pulse of the window; less once the next pulse is overdue, and 0 after a
  /// window without a pulse.
  func rate(at now: Instant) -> Double {
    forget(before: now)
    guard let first = marks.first, let last = marks.last else { return 0 }
    // A single pulse tells only that the pulses are further apart than the window.
    var interval = settings.window.seconds
    if last.at > first.at { interval = (last.at - first.at).seconds / Double(last.pulses - first.pulses) }
    return settings.perPulse * 60 / max(interval, (now - last.at).seconds)
  }

  private func forget(before now: Instant) {
    marks.removeFirst(marks.firstIndex { now - $0.at < settings.window } ?? marks.count)
  }
}

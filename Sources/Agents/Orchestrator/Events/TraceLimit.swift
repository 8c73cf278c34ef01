import Model

/// How many events of one causal chain are handed on per second. It stops rules and agents that branch long before the
/// depth limit would.
struct TraceLimit {
  /// The most events of a trace in a window.
  static let most = 256
  /// Beyond this number in a window, waiting events of the trace are dropped as well, so that a branching chain ends.
  static let mostPublished = 1024
  static let window = Duration.seconds(1)

  /// The verdict on an event.
  enum Answer { case handOn, cut(isFirst: Bool) }

  private var counts: [ULID: Int] = [:]
  private var end = Instant(nanoseconds: 0)

  /// Counts an event of `trace`.
  mutating func count(_ trace: ULID, at now: Instant) -> Answer {
    renew(now)
    let count = counts[trace, default: 0] + 1
    counts[trace] = count
    return count <= Self.most ? .handOn : .cut(isFirst: count == Self.most + 1)
  }

  /// Whether so many events of `trace` were published that its waiting ones are dropped.
  func isSpent(_ trace: ULID, at now: Instant) -> Bool { now < end && counts[trace, default: 0] >= Self.mostPublished }

  private mutating func renew(_ now: Instant) {
    guard now >= end else { return }
    counts.removeAll(keepingCapacity: counts.capacity <= 64)
    end = now + Self.window
  }
}

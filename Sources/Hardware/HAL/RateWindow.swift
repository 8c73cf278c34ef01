import Model

/// A sliding window over the latest changes: at most `rate.count` in any period of `rate.per`.
struct RateWindow {
  private let rate: Rate
  /// A ring of at most `rate.count` instants; `oldest` is where the next one goes once it is full.
  private var times: [Instant] = []
  private var oldest = 0

  init(_ rate: Rate) { self.rate = rate }

  /// The recorded changes, oldest first.
  var history: [Instant] { Array(times[oldest...] + times[..<oldest]) }

  /// How long until one more change is allowed; nil when it is allowed now.
  func wait(at now: Instant) -> Duration? {
    guard rate.count > 0 else { return rate.per }
    guard times.count >= rate.count else { return nil }
    let free = times[oldest] + rate.per
    return free > now ? free - now : nil
  }

  /// Dates the newest `count` changes to `now`, because they took effect only then.
  mutating func postpone(_ count: Int, to now: Instant) {
    let newest = oldest + times.count - 1
    for step in 0..<min(count, times.count) { times[(newest - step) % times.count] = now }
  }

  mutating func record(_ now: Instant) {
    guard rate.count > 0 else { return }
    if times.count < rate.count {
      times.append(now)
    } else {
      times[oldest] = now
      oldest = (oldest + 1) % rate.count
    }
  }
}

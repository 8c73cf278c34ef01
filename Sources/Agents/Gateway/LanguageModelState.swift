import LanguageModel
import Model

/// A model of the settings, with what its calls have shown.
final class LanguageModelState {
  let settings: ModelSettings
  var estimate = TokenEstimate()
  private(set) var calls: UInt64 = 0
  private(set) var failures: UInt64 = 0
  /// In words; nil while it answers.
  private(set) var lastFailure: String?
  private var restsUntil: Instant?
  private var backoff = Backoff(first: .seconds(1), longest: .seconds(60))

  init(_ settings: ModelSettings) { self.settings = settings }

  /// The time for an answer, for the protocol of the gateway's program.
  var milliseconds: UInt32 { UInt32(clamping: settings.timeout.nanoseconds / 1_000_000) }

  /// Whether it is left alone for a while.
  func rests(at now: Instant) -> Bool { rest(at: now) != nil }

  /// How long it is left alone; nil if it is not.
  func rest(at now: Instant) -> Duration? {
    guard let restsUntil, restsUntil > now else { return nil }
    return restsUntil - now
  }

  /// It has answered.
  func isWell() {
    calls += 1
    (restsUntil, lastFailure) = (nil, nil)
    backoff.reset()
  }

  /// It has not: the others come first for a while.
  func isIll(_ failure: LanguageModelFailure, at now: Instant) {
    calls += 1
    failures += 1
    lastFailure = failure.sentence
    guard failure.mayPass else { return }
    let wait = failure.retryAfter.map { Duration.milliseconds(Int64(min($0, 3_600_000))) } ?? backoff.next()
    restsUntil = now + wait
  }
}

import LanguageModel
import Model

/// A model of the settings, with what its calls have shown.
final class LanguageModelState {
  let settings: ModelSettings
  var estimate = TokenEstimate()
  private(set) var calls: UInt64 = 0
  private(set) var failures: UInt64 = 0
  /// nil while it answers.
  private(set) var lastFailure: LanguageModelFailure?
  /// When it began to rest, and until when it does.
  private var resting: (since: Instant, until: Instant)?
  private var backoff = Backoff(first: .seconds(1), longest: .seconds(60))

  init(_ settings: ModelSettings) { self.settings = settings }

  /// The time for an answer, for the protocol of the gateway's program.
  var milliseconds: UInt32 { UInt32(clamping: settings.timeout.nanoseconds / 1_000_000) }

  /// How long it is left alone; nil if it is not.
  func rest(at now: Instant) -> Duration? {
    guard let resting, resting.until > now else { return nil }
    return resting.until - now
  }

  /// It has answered.
  /// - Parameter began: when it was asked. An answer to an earlier question does not end its rest.
  func noteAnswer(askedAt began: Instant) {
    calls += 1
    if let resting, resting.since >= began { return }
    (resting, lastFailure) = (nil, nil)
    backoff.reset()
  }

  /// It has not answered, and is left alone for a while, unless what was asked of it is at fault.
  func noteFailure(_ failure: LanguageModelFailure, at now: Instant) {
    calls += 1
    // A question may lead any model to an answer without end.
    guard !failure.isOfRequest, failure.kind != .tooLong else { return }
    failures += 1
    lastFailure = failure
    let asked = failure.retryAfter.map { Duration.milliseconds(Int64(min($0, 3_600_000))) }
    // Sixteen calls that break off together are one failure.
    if asked == nil, rest(at: now) != nil { return }
    let until = now + (asked ?? backoff.next())
    resting = (now, max(resting?.until ?? until, until))
  }
}

extension LanguageModelFailure {
  /// Whether the request itself is at fault, so that it says nothing of the model.
  var isOfRequest: Bool {
    switch kind {
    case .contextExceeded, .invalid: true
    case .refused: [400, 413, 422].contains(status)
    default: false
    }
  }

  /// Whether only somebody can help who changes a key, a URL or a server.
  var needsPerson: Bool {
    switch kind {
    case .noKey, .tls, .redirected, .wrongContentType: true
    case .refused: (401...404).contains(status)
    default: false
    }
  }

  /// Whether the same request to the same server may succeed later, and costs nothing twice.
  var mayPass: Bool {
    guard !isCharged else { return false }
    return switch kind {
    case .unreachable, .timedOut, .serverFailed, .lost, .tooMany, .absent, .errorInStream: true
    case .refused: status == 429 || status == 408
    default: false
    }
  }
}

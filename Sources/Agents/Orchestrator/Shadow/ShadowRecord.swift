import Agent
import HAL
import Model

/// What one shadow was refused, and what it would have done besides moving outputs. Bounded: counts by reason and kind, and
/// the newest deeds.
struct ShadowRecord {
  /// The most reasons, holders and kinds that are told apart; further ones are counted together as `others`.
  private static let mostKinds = 16
  /// The most deeds of a kind that are kept in words.
  private static let mostDeeds = 8
  /// The most bytes of a deed in words.
  private static let longest = 200

  /// When it began.
  let since: Instant
  private(set) var refused: [DeviceID: [String: UInt64]] = [:]
  private(set) var waited: [DeviceID: [String: UInt64]] = [:]
  private(set) var deeds: [String: ShadowComparison.Deeds] = [:]
  /// The last refusal of each output in words, until it changes again.
  private var told: [DeviceID: String] = [:]

  init(since: Instant) { self.since = since }

  /// - Returns: whether it is another one than the last, and is to be told.
  mutating func note(_ error: HALError, of device: DeviceID) -> Bool {
    Self.count(Self.reason(error), in: &refused[device, default: [:]])
    let isNews = told[device] != Self.reason(error)
    told[device] = Self.reason(error)
    return isNews
  }

  mutating func noteWait(for device: DeviceID, heldBy holder: String) {
    Self.count(holder, in: &waited[device, default: [:]])
  }

  mutating func noteChange(of device: DeviceID) { told[device] = nil }

  mutating func note(_ kind: String, _ text: String, at now: Instant) {
    let kind = deeds[kind] == nil && deeds.count >= Self.mostKinds ? "others" : kind
    var known = deeds[kind] ?? ShadowComparison.Deeds()
    known.count += 1
    known.newest.insert(ShadowComparison.Deed(at: now, text: text.cut(to: Self.longest)), at: 0)
    if known.newest.count > Self.mostDeeds { known.newest.removeLast() }
    deeds[kind] = known
  }

  private static func count(_ key: String, in counts: inout [String: UInt64]) {
    let key = counts[key] == nil && counts.count >= mostKinds ? "others" : key
    counts[key, default: 0] += 1
  }

  /// The key of the board file that a command was refused for, or the kind of the refusal.
  private static func reason(_ error: HALError) -> String {
    switch error {
    case .limited(_, let rule, _, _): rule
    case .notFound: "not_found"
    case .denied: "denied"
    case .busy: "busy"
    case .waits: "approval"
    case .invalid: "invalid"
    case .unavailable: "unavailable"
    case .failed: "failed"
    }
  }
}

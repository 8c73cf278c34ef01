import Agent
import Model

/// The refusals that ended activations of one agent. All are counted; repeated ones are reported only from time to
/// time.
struct RefusalAccount {
  /// How many there were.
  private(set) var count: UInt64 = 0
  /// The newest in words; nil when there was none.
  private(set) var last: String?
  /// Folds reports for the event and the agent's log.
  private var told = Fold(.seconds(600))
  /// Folds reports for the ledger, which is on the disk.
  private var kept = Fold(.seconds(3600))

  /// Counts a refusal.
  /// - Returns: how many of the same an event and a line of the log should report now, and how many a line of the
  ///   ledger; nil for no report now.
  mutating func add(_ refusal: AgentError, at now: Instant) -> (told: Int?, kept: Int?) {
    count += 1
    last = refusal.description
    return (told.add(refusal.message, at: now), kept.add(refusal.message, at: now))
  }
}

/// Folds repetitions: the first of a kind is reported at once, later ones once per window with their count.
struct Fold {
  /// How many kinds are told apart; further ones are folded together.
  private static let limit = 8
  private let window: Duration
  /// When each kind was last reported, and how many there were since.
  private var kinds: [String: (told: Instant, count: Int)] = [:]

  init(_ window: Duration) { self.window = window }

  /// Counts one of a kind.
  /// - Returns: how many to report, including this one; nil when it is folded.
  mutating func add(_ kind: String, at now: Instant) -> Int? {
    let kind = kinds[kind] != nil || kinds.count < Self.limit ? kind : ""
    guard let known = kinds[kind], now - known.told < window else {
      let count = (kinds[kind]?.count ?? 0) + 1
      kinds = kinds.filter { now - $0.value.told < window }
      kinds[kind] = (now, 0)
      return count
    }
    kinds[kind] = (known.told, known.count + 1)
    return nil
  }
}

import Agent
import Model

/// The refusals that ended activations of one agent: all are counted, and of those that repeat people are told now and
/// then.
struct RefusalAccount {
  /// How many there were.
  private(set) var count: UInt64 = 0
  /// The newest in words; nil when there was none.
  private(set) var last: String?
  /// For the event and the agent's log.
  private var told = Fold(.seconds(600))
  /// For the ledger, which is on the disk.
  private var kept = Fold(.seconds(3600))

  /// Counts one.
  /// - Returns: for how many of the same there is to be an event and a line of the log, and for how many one of the ledger;
  ///   nil for none now.
  mutating func add(_ refusal: AgentError, at now: Instant) -> (told: Int?, kept: Int?) {
    count += 1
    last = refusal.description
    return (told.add(refusal.message, at: now), kept.add(refusal.message, at: now))
  }
}

/// Folds what repeats: the first of a kind is told at once, later ones once a window, with their count.
struct Fold {
  /// So many kinds are told apart; more are folded together.
  private static let limit = 8
  private let window: Duration
  /// When each kind was told of, and how many there were since.
  private var kinds: [String: (told: Instant, count: Int)] = [:]

  init(_ window: Duration) { self.window = window }

  /// Counts one of a kind.
  /// - Returns: of how many is to be told, this one included; nil when it is folded.
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

/// A limit on what model calls may use: tokens or money, within a window or in total.
package struct TokenLimit: Sendable, Hashable {
  /// What is counted.
  package enum Unit: UInt8, Sendable, Hashable, CaseIterable {
    /// Tokens of the prompt and of the answer.
    case tokens = 0
    /// Millionths of the settings' currency.
    case money = 1
  }

  /// What is counted.
  package var unit: Unit
  /// The most within the window, in the unit.
  package var amount: Int64
  /// The length of the window; nil for a limit in total, which never begins anew.
  package var per: Duration?

  /// A limit. The amount is brought into the range 0 to 2^60, so that sums cannot overflow; a window becomes at least a second, in whole milliseconds.
  package init(_ unit: Unit, _ amount: Int64, per: Duration? = nil) {
    self.unit = unit
    self.amount = min(max(0, amount), 1 << 60)
    self.per = per.map { .milliseconds(max(1000, $0.nanoseconds / 1_000_000)) }
  }

  /// A limit of tokens within a window, from `budget.tokens` of a manifest.
  package init(_ rate: Rate) { self.init(.tokens, Int64(rate.count), per: rate.per) }

  /// Millionths of the currency in one unit of it.
  package static let millionths: Int64 = 1_000_000
}

extension TokenLimit {
  /// Whether it allows more than another one of the same unit: in the long run, where both have windows.
  package func exceeds(_ other: TokenLimit) -> Bool {
    guard unit == other.unit else { return false }
    switch (per, other.per) {
    case (let own?, let theirs?): return Double(amount) / own.seconds > Double(other.amount) / theirs.seconds
    case (nil, nil): return amount > other.amount
    // A total is less than any rate, some day.
    default: return false
    }
  }
}

extension TokenLimit: CustomStringConvertible {
  /// For example `10000 tokens in 1h`, `0.5 in 1d`, `5000000 tokens in total`. Money has no name of its currency.
  package var description: String { "\(Self.text(amount, unit)) in \(per.map(\.text) ?? "total")" }

  /// An amount with its unit: `10000 tokens`, `0.5`.
  package static func text(_ amount: Int64, _ unit: Unit) -> String {
    switch unit {
    case .tokens: return "\(amount) tokens"
    case .money:
      let fraction = String(amount.magnitude % UInt64(millionths) + UInt64(millionths)).dropFirst()
      let digits = fraction.reversed().drop { $0 == "0" }.reversed()
      let whole = "\(amount < 0 ? "-" : "")\(amount.magnitude / UInt64(millionths))"
      return digits.isEmpty ? whole : "\(whole).\(String(digits))"
    }
  }
}

/// The limits of one account; all of them apply.
package struct TokenLimits: Sendable, Hashable {
  /// The limits; no two have the same unit and window.
  package private(set) var all: [TokenLimit]

  /// Limits. Of several with the same unit and window the lowest applies.
  package init(_ limits: [TokenLimit] = []) {
    all = []
    for limit in limits {
      if let same = all.firstIndex(where: { $0.unit == limit.unit && $0.per == limit.per }) {
        all[same].amount = min(all[same].amount, limit.amount)
      } else {
        all.append(limit)
      }
    }
  }

  /// Whether nothing is limited.
  package var isEmpty: Bool { all.isEmpty }
}

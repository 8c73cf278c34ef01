import Model

/// How much of a limit is used, in steps.
package enum TokenLevel: UInt8, Sendable, Hashable, Comparable, CaseIterable {
  /// Less than 80 %, or less than 60 % since a warning.
  case normal = 0
  /// 80 % or more.
  case warned = 1
  /// All of it, or a call did not fit into the rest.
  case exhausted = 2

  package static func < (left: TokenLevel, right: TokenLevel) -> Bool { left.rawValue < right.rawValue }
}

/// One limit of an account, and its use.
package struct TokenLimitStatus: Sendable, Hashable {
  /// The limit.
  package var limit: TokenLimit
  /// What is used, in the limit's unit. May be above the limit when a server used more than it was asked to.
  package var used: Int64
  /// What calls under way may use, those included that still wait for the disk.
  package var inFlight: Int64
  /// The time until the window ends; nil for a limit in total.
  package var windowEnds: Duration?
  /// How much is used, in steps.
  package var level: TokenLevel

  /// A limit and its use; amounts are in the limit's unit.
  package init(limit: TokenLimit, used: Int64, inFlight: Int64, windowEnds: Duration?, level: TokenLevel) {
    self.limit = limit
    self.used = used
    self.inFlight = inFlight
    self.windowEnds = windowEnds
    self.level = level
  }
}

/// A limit of an account has reached another level.
package struct TokenNotice: Sendable, Hashable {
  /// The account.
  package var account: String
  /// The limit after the change; `level` is the new level.
  package var status: TokenLimitStatus

  /// A change.
  package init(account: String, status: TokenLimitStatus) {
    self.account = account
    self.status = status
  }
}

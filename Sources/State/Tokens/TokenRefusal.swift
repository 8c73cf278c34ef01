import Model

/// Why a call of a model may not be made. Nothing was charged.
package enum TokenRefusal: Error, Sendable, Hashable {
  /// It does not fit into what is left of a limit.
  case overLimit(TokenShortage)
  /// The ledger cannot be kept, so what the call uses could be forgotten; the text is the whole sentence.
  case notStored(String)
  /// The ledger is closed: the daemon ends.
  case closed
}

/// A limit into which a call does not fit.
package struct TokenShortage: Sendable, Hashable {
  /// When a refused call can fit.
  package enum Remedy: Sendable, Hashable {
    /// Never: the call is larger than the limit, or a limit in total is used up.
    case never
    /// Not before the next window, which begins after this time.
    case nextWindow(Duration)
    /// When calls under way have given back what they do not use; at the latest with the next window, after this time.
    /// Without a window that time is nil.
    case callsUnderWay(atLatest: Duration?)
  }

  /// The account.
  package var account: String
  /// Its limit.
  package var limit: TokenLimit
  /// What is used, in the limit's unit.
  package var used: Int64
  /// What calls under way may use.
  package var inFlight: Int64
  /// What the refused call may use.
  package var asked: Int64
  /// When it can fit.
  package var remedy: Remedy

  /// A shortage; amounts are in the limit's unit.
  package init(account: String, limit: TokenLimit, used: Int64, inFlight: Int64, asked: Int64, remedy: Remedy) {
    self.account = account
    self.limit = limit
    self.used = used
    self.inFlight = inFlight
    self.asked = asked
    self.remedy = remedy
  }
}

extension TokenRefusal: CustomStringConvertible {
  /// One sentence without a full stop.
  package var description: String {
    switch self {
    case .overLimit(let shortage): shortage.description
    case .notStored(let why): why
    case .closed: "the daemon ends, and starts no call of a model"
    }
  }
}

extension TokenShortage: CustomStringConvertible {
  /// For example `the call needs up to 900 tokens, but 'agent/climate' has used 9500 of 10000 tokens in 1h; it can fit in
  /// 20 min`.
  package var description: String {
    let call = "the call needs up to \(TokenLimit.text(asked, limit.unit))"
    if asked > limit.amount { return "\(call), more than '\(account)' may ever use at once: \(limit)" }
    let underWay = inFlight > 0 ? ", and calls under way may use \(TokenLimit.text(inFlight, limit.unit))" : ""
    let text = "\(call), but '\(account)' has used \(TokenLimit.text(used, limit.unit)) of \(limit)\(underWay)"
    switch remedy {
    case .never: return "\(text); raise the limit to allow it"
    case .nextWindow(let wait): return "\(text); it can fit in \(wait.spoken)"
    case .callsUnderWay: return "\(text); it can fit when they end"
    }
  }
}

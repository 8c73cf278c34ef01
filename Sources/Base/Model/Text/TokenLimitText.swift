import OpenStarryAgent

/// Why a limit of tokens or money in a file is wrong.
package struct TokenLimitError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Which of the texts in a list; 0 for a single text.
  package var index: Int
  /// What is wrong, and what is expected: one sentence without a full stop.
  package var message: String

  package var description: String { message }
}

extension TokenLimit {
  /// Parses a limit of tokens: `10k/h`, `200k/d`, `500/10m`, or `5M` for a limit in total.
  package static func tokens(_ text: String) throws(TokenLimitError) -> TokenLimit {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let count = Quantity.count(String(first)) else {
      throw TokenLimitError(
        index: 0, message: "'\(text)' is not a limit of tokens; write '10k/h', '200k/d', or '5M' for a total")
    }
    return TokenLimit(.tokens, Int64(count), per: try window(parts.dropFirst().first, of: text))
  }

  /// Parses a limit of money in the settings' currency: `0.50/d`, or `20` for a limit in total.
  package static func money(_ text: String) throws(TokenLimitError) -> TokenLimit {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let amount = millionths(first) else {
      throw TokenLimitError(
        index: 0,
        message: "'\(text)' is not a limit of money; write '0.50/d', or '20' for a total, with at most six decimals")
    }
    return TokenLimit(.money, amount, per: try window(parts.dropFirst().first, of: text))
  }

  /// Exact, because a binary fraction of 0.1 is not.
  private static func millionths(_ text: Substring) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { 48...57 ~= $0 } })
    else { return nil }
    let decimals = parts.count == 2 ? parts[1] : ""
    guard decimals.utf8.count <= 6, let whole = Int64(parts[0]),
      let fraction = Int64(decimals + String(repeating: "0", count: 6 - decimals.utf8.count))
    else { return nil }
    let (scaled, overflow) = whole.multipliedReportingOverflow(by: millionths)
    let (sum, carry) = scaled.addingReportingOverflow(fraction)
    return overflow || carry ? nil : sum
  }

  private static func window(_ text: Substring?, of limit: String) throws(TokenLimitError) -> Duration? {
    guard let text else { return nil }
    let whole = text.first?.isNumber == true ? String(text) : "1\(text)"
    guard let length = Quantity.duration(whole), length >= .seconds(1) else {
      throw TokenLimitError(
        index: 0, message: "'\(limit)': '\(text)' is not a window; write 'h', 'd' or '30m'; the shortest is '1s'")
    }
    return length
  }
}

extension TokenLimits {
  /// Parses the limits of an account from a manifest or the settings.
  /// - Parameters:
  ///   - tokens: texts such as `10k/h`, `5M`.
  ///   - money: texts such as `0.50/d`, `20`.
  /// - Throws: the first error of `tokens`, else of `money`; also for two limits with the same window.
  package init(tokens: [String], money: [String] = []) throws(TokenLimitError) {
    try self.init(
      Self.parse(tokens) { text throws(TokenLimitError) in try TokenLimit.tokens(text) }
        + Self.parse(money) { text throws(TokenLimitError) in try TokenLimit.money(text) })
  }

  /// Parses a text, or a list of texts, as a manifest has it.
  /// - Parameter unit: what the texts limit.
  package init(_ value: Value, _ unit: TokenLimit.Unit) throws(TokenLimitError) {
    var texts: [String] = []
    switch value {
    case .string(let text): texts = [text]
    case .list(let list):
      for (index, element) in list.enumerated() {
        guard case .string(let text) = element else { throw Self.noText(unit, index) }
        texts.append(text)
      }
    default: throw Self.noText(unit, 0)
    }
    try self.init(tokens: unit == .tokens ? texts : [], money: unit == .money ? texts : [])
  }

  private static func noText(_ unit: TokenLimit.Unit, _ index: Int) -> TokenLimitError {
    let examples = unit == .tokens ? "'10k/h' or ['10k/h', '200k/d']" : "'0.50/d' or ['0.50/d', '20']"
    return TokenLimitError(index: index, message: "a limit is a text or a list of texts; write \(examples)")
  }

  private static func parse(
    _ texts: [String], _ one: (String) throws(TokenLimitError) -> TokenLimit
  ) throws(TokenLimitError) -> [TokenLimit] {
    var limits: [TokenLimit] = []
    for (index, text) in texts.enumerated() {
      do throws(TokenLimitError) {
        let limit = try one(text)
        if let same = limits.firstIndex(where: { $0.per == limit.per }) {
          let window = limit.per.map { "within \($0.text)" } ?? "in total"
          throw TokenLimitError(
            index: index, message: "'\(text)' and '\(texts[same])' both limit what is used \(window); keep one")
        }
        limits.append(limit)
      } catch {
        throw TokenLimitError(index: index, message: error.message)
      }
    }
    return limits
  }
}

/// How many tokens a request has, before its server says so: from its bytes, and what the same model's server has counted
/// before.
///
/// Tokenizers of the field make one token of 3 to 4.5 bytes of English text and of JSON, of about 2 of Chinese, and one of
/// each digit. One for two bytes is more than nearly all texts have; what a server counts beyond that raises the estimate,
/// and what it counts below lowers it again, by an eighth of the difference each time.
/// A call that uses more than was estimated is charged in full all the same.
struct TokenEstimate {
  /// Tokens of a template around one message, and around a request.
  private static let perMessage = 8
  private static let perRequest = 32
  /// Tokens of one picture. Those of the field have 256 to 1,600.
  static let perPicture = 2048
  /// Tokens for 1,024 bytes, at least.
  private static let leastRatio = 512

  /// Tokens for 1,024 bytes.
  private var ratio = leastRatio

  /// An upper bound for most texts.
  func tokens(bytes: Int, messages: Int, pictures: Int) -> Int64 {
    Int64((bytes * ratio + 1023) / 1024 + messages * Self.perMessage + Self.perRequest + pictures * Self.perPicture)
  }

  /// Takes what a server has counted. Pictures tell nothing about text.
  mutating func learn(bytes: Int, tokens: Int64, pictures: Int) {
    guard pictures == 0, bytes >= 256, tokens > 0 else { return }
    let seen = max(Self.leastRatio, min(Int(tokens) * 1024 / bytes * 5 / 4, 1024))
    ratio = seen > ratio ? seen : ratio - (ratio - seen + 7) / 8
  }
}

/// Why a request to a language-model server has no whole answer.
package struct LanguageModelFailure: Error, Equatable, Sendable {
  /// One of the time-outs of `LanguageModelLimits`.
  package enum Limit: UInt8, Sendable, CaseIterable {
    case connect = 1
    case firstByte = 2
    case idle = 3
    case total = 4
  }

  /// What went wrong.
  package enum Kind: Equatable, Sendable {
    /// There is no such key, or it must not be used here: a key goes over plain HTTP only to this machine.
    case noKey
    /// The server's name is unknown, or nobody listens there.
    case unreachable
    /// The server could not prove who it is, or speaks no TLS that we accept.
    case tls
    case timedOut(Limit)
    /// The server refuses the request: any 4xx but the one of `contextExceeded`. `retryAfter` may say when to try again.
    case refused
    /// 5xx.
    case serverFailed
    /// The connection ended before the answer did; or the gateway's process has ended.
    case lost
    /// The answer is no chat completion.
    case malformed
    /// The answer is neither an event stream nor JSON.
    case wrongContentType
    /// The answer is longer than `LanguageModelRequest.longest`.
    case tooLong
    /// 3xx. The sentence names the host; nobody is sent there.
    case redirected
    /// The server broke off its answer with an error, after it had begun with a 200.
    case errorInStream
    /// The request is longer than the context of the model.
    case contextExceeded
    /// There are as many calls as the gateway makes at a time.
    case tooMany
    /// The request cannot be made: its URL is none, or its body is missing.
    case invalid
    /// There is no gateway: openstarry-model or libcurl is not installed, or cannot be started.
    case absent
  }

  /// What went wrong.
  package var kind: Kind
  /// The HTTP status; 0 when there was none.
  package var status: UInt16
  /// How long the server wants to be left alone, in milliseconds; nil if it does not say.
  package var retryAfter: UInt32?
  /// Whether the request may have reached the server, wholly or in part.
  package var wasSent: Bool
  /// For people: printable, one line, bounded, without the key. It quotes at most 200 bytes of what the server said.
  package var sentence: String

  /// The longest sentence, in bytes. A longer one is cut.
  package static let longestSentence = 600

  /// A failure.
  package init(
    _ kind: Kind, status: UInt16 = 0, retryAfter: UInt32? = nil, wasSent: Bool, _ sentence: String
  ) {
    self.kind = kind
    self.status = status
    self.retryAfter = retryAfter
    self.wasSent = wasSent
    self.sentence = sentence
  }

  /// Whether its tokens count as spent, in full: it may have reached the server, which has not said that it did nothing
  /// (4xx and 503).
  package var isCharged: Bool { wasSent && !(400..<500).contains(status) && status != 503 }
}

extension LanguageModelFailure: CustomStringConvertible {
  package var description: String { sentence }
}

extension LanguageModelFailure.Kind {
  /// The number in messages, and that of the time-out, or 0.
  var numbers: (UInt8, UInt8) {
    if case .timedOut(let limit) = self { return (Self.timedOut, limit.rawValue) }
    for (index, kind) in Self.plain.enumerated() where kind == self { return (UInt8(index + 1), 0) }
    return (0, 0)
  }

  /// - Returns: nil for an unknown number.
  init?(_ number: UInt8, limit: UInt8) {
    if number == Self.timedOut {
      guard let limit = LanguageModelFailure.Limit(rawValue: limit) else { return nil }
      self = .timedOut(limit)
      return
    }
    guard number >= 1, Int(number) <= Self.plain.count, limit == 0 else { return nil }
    self = Self.plain[Int(number) - 1]
  }

  private static let timedOut: UInt8 = 64
  /// The numbers of messages: append only.
  package static let plain: [Self] = [
    .noKey, .unreachable, .tls, .refused, .serverFailed, .lost, .malformed, .wrongContentType, .tooLong, .redirected,
    .errorInStream, .contextExceeded, .tooMany, .invalid, .absent,
  ]
}

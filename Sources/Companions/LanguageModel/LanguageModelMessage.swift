import Companion

/// The protocol between daemon and gateway to language models, one message per packet (unix(7), SOCK_SEQPACKET).
///
/// A header has the mark `OM`, layout, kind and length; the fields follow, integers little-endian. Later layouts only
/// append fields and add kinds; readers ignore what they do not know. Texts are whole UTF-8 scalars.
package enum LanguageModelMessage: Equatable, Sendable {
  // From the daemon.

  /// Make one request. Descriptor: a sealed memfd with the whole JSON body.
  case ask(id: UInt32, LanguageModelRequest)
  /// Close the connection at once, so that the server stops its work. Nothing more is said of this request.
  case cancel(id: UInt32)

  // From the gateway.

  /// The request has been taken on; says that the gateway is alive.
  case accepted(id: UInt32)
  /// A piece of the answer's text.
  case text(id: UInt32, [UInt8])
  /// A call of a tool begins. `index` tells the calls of one answer apart.
  case toolCall(id: UInt32, index: UInt16, callID: [UInt8], name: [UInt8])
  /// A piece of its arguments, which are JSON text.
  case arguments(id: UInt32, index: UInt16, [UInt8])
  /// The answer is whole. `finish` is why it ended, in the server's words: `stop`, `length`, `tool_calls`.
  case answered(id: UInt32, finish: [UInt8], LanguageModelUsage?)
  /// There will be no whole answer.
  case failed(id: UInt32, LanguageModelFailure)

  /// The longest message, in bytes.
  package static let longest = 8192
  /// The longest piece of text or arguments, in bytes.
  package static let longestPiece = 4096
}

extension LanguageModelMessage: PacketMessage {
  private static let header = PacketHeader(mark: (0x4F, 0x4D), layout: 1)

  private var kind: UInt8 {
    switch self {
    case .ask: 1
    case .cancel: 2
    case .accepted: 16
    case .text: 17
    case .toolCall: 18
    case .arguments: 19
    case .answered: 20
    case .failed: 21
    }
  }

  /// The message as one packet.
  package var bytes: [UInt8] {
    Self.header.message(kind) { writer in
      switch self {
      case .ask(let id, let request):
        writer.integer(id)
        writer.longText(Array(request.url.utf8.prefix(LanguageModelRequest.longestURL)))
        writer.longText(Array(request.key.utf8.prefix(LanguageModelRequest.longestKey)))
        for limit in [request.limits.connect, request.limits.firstByte, request.limits.idle, request.limits.total] {
          writer.integer(limit)
        }
        writer.integer(request.longest)
      case .cancel(let id), .accepted(let id): writer.integer(id)
      case .text(let id, let text):
        writer.integer(id)
        writer.longText(text)
      case .toolCall(let id, let index, let callID, let name):
        writer.integer(id)
        writer.integer(index)
        writer.text(callID)
        writer.text(name)
      case .arguments(let id, let index, let text):
        writer.integer(id)
        writer.integer(index)
        writer.longText(text)
      case .answered(let id, let finish, let usage):
        writer.integer(id)
        writer.text(finish)
        writer.byte(usage == nil ? 0 : 1)
        for count in [usage?.prompt, usage?.completion, usage?.cached] { writer.integer(count ?? 0) }
      case .failed(let id, let failure):
        writer.integer(id)
        let (kind, limit) = failure.kind.numbers
        writer.byte(kind)
        writer.byte(limit)
        writer.integer(failure.status)
        writer.byte(failure.retryAfter == nil ? 0 : 1)
        writer.integer(failure.retryAfter ?? 0)
        writer.byte(failure.wasSent ? 1 : 0)
        writer.longText(failure.sentence.utf8Prefix(LanguageModelFailure.longestSentence))
      }
    }
  }

  /// Reads a packet.
  /// - Returns: nil for a malformed or truncated packet, or an unknown kind.
  package init?(_ bytes: [UInt8]) {
    guard let (kind, start) = Self.header.open(bytes, longest: Self.longest) else { return nil }
    var reader = start
    guard let id: UInt32 = reader.integer() else { return nil }
    switch kind {
    case 1:
      guard let request = LanguageModelRequest(&reader) else { return nil }
      self = .ask(id: id, request)
    case 2: self = .cancel(id: id)
    case 16: self = .accepted(id: id)
    case 17:
      guard let text = reader.longText() else { return nil }
      self = .text(id: id, text)
    case 18:
      guard let index: UInt16 = reader.integer(), let callID = reader.text(), let name = reader.text() else {
        return nil
      }
      self = .toolCall(id: id, index: index, callID: callID, name: name)
    case 19:
      guard let index: UInt16 = reader.integer(), let text = reader.longText() else { return nil }
      self = .arguments(id: id, index: index, text)
    case 20:
      guard let finish = reader.text(), let hasUsage = reader.byte(), let prompt: UInt32 = reader.integer(),
        let completion: UInt32 = reader.integer(), let cached: UInt32 = reader.integer()
      else { return nil }
      let usage = LanguageModelUsage(prompt: prompt, completion: completion, cached: cached)
      self = .answered(id: id, finish: finish, hasUsage == 0 ? nil : usage)
    case 21:
      guard let failure = LanguageModelFailure(&reader) else { return nil }
      self = .failed(id: id, failure)
    default: return nil
    }
  }
}

extension LanguageModelRequest {
  fileprivate init?(_ reader: inout ByteReader) {
    guard let url = reader.longText(), let key = reader.longText(), let connect: UInt32 = reader.integer(),
      let firstByte: UInt32 = reader.integer(), let idle: UInt32 = reader.integer(),
      let total: UInt32 = reader.integer(), let longest: UInt32 = reader.integer(),
      url.count <= Self.longestURL, key.count <= Self.longestKey, let url = String(validating: url, as: UTF8.self),
      let key = String(validating: key, as: UTF8.self)
    else { return nil }
    self.init(
      url: url, key: key,
      limits: LanguageModelLimits(connect: connect, firstByte: firstByte, idle: idle, total: total), longest: longest)
  }
}

extension LanguageModelFailure {
  fileprivate init?(_ reader: inout ByteReader) {
    guard let number = reader.byte(), let limit = reader.byte(), let kind = Kind(number, limit: limit),
      let status: UInt16 = reader.integer(), let hasRetry = reader.byte(), let retry: UInt32 = reader.integer(),
      let wasSent = reader.byte(), let sentence = reader.longText(), sentence.count <= Self.longestSentence,
      let sentence = String(validating: sentence, as: UTF8.self)
    else { return nil }
    self.init(
      kind, status: status, retryAfter: hasRetry == 0 ? nil : retry, wasSent: wasSent != 0, sentence)
  }
}

extension String {
  /// The first whole scalars within so many bytes of UTF-8.
  fileprivate func utf8Prefix(_ count: Int) -> [UInt8] { Array(utf8).scalarPrefix(count) }
}

extension [UInt8] {
  /// The first whole scalars of a UTF-8 text, at most `count` bytes.
  package func scalarPrefix(_ count: Int) -> [UInt8] {
    guard self.count > count else { return self }
    var end = count
    while end > 0, self[end] & 0xC0 == 0x80 { end -= 1 }
    return Array(self[..<end])
  }
}

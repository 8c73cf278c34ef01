import LanguageModel
import Model

/// Why an answer is none, as far as the answer itself says.
package struct Flaw: Error, Equatable, Sendable {
  /// What is wrong.
  package var kind: LanguageModelFailure.Kind
  /// A sentence for people: printable, with at most 200 bytes of the server's own words.
  package var sentence: String

  /// A flaw.
  package init(_ kind: LanguageModelFailure.Kind, _ sentence: String) {
    self.kind = kind
    self.sentence = sentence
  }
}

/// Words of a server in a sentence for people.
package struct Quotation: Sendable {
  /// The longest quotation, in bytes.
  package static let longest = 200
  private let key: [UInt8]

  /// - Parameter key: what is never quoted, even if the server repeats it; empty for nothing.
  package init(hiding key: [UInt8]) { self.key = key }

  /// The text on one line, without what a terminal would interpret, without the key, and cut.
  package func callAsFunction(_ text: some Collection<UInt8>) -> String {
    // The key may cross the cut.
    let isCut = text.count > 4096
    var rest = Array(text.prefix(4096))[...]
    var hidden: [UInt8] = []
    while !key.isEmpty, rest.count >= key.count {
      let isKey = rest.starts(with: key)
      hidden += isKey ? Array("[key]".utf8) : [rest[rest.startIndex]]
      rest = rest.dropFirst(isKey ? key.count : 1)
    }
    // Cut at 4096, the beginning of a key may be left.
    if key.isEmpty || !isCut { hidden += rest }
    let plain = String(decoding: hidden, as: UTF8.self).printable
    let short = Array(plain.utf8).scalarPrefix(Self.longest)
    return String(decoding: short, as: UTF8.self)
  }

  /// The text as a quotation that continues a sentence, after a colon; empty if there is none.
  package func after(_ text: some Collection<UInt8>) -> String {
    let quoted = self(text)
    return quoted.isEmpty ? "" : ": \"\(quoted)\""
  }
}

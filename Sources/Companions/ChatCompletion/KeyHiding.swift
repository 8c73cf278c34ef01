/// Hides a key in a text that comes in pieces: a server may repeat the key that it was sent, and what it says is logged,
/// stored and shown.
struct KeyHiding {
  private let key: [UInt8]
  /// What may be the beginning of the key.
  private var held: [UInt8] = []

  /// - Parameter key: empty for nothing to hide.
  init(_ key: [UInt8]) { self.key = key }

  /// Takes the next piece.
  /// - Returns: the text so far without the key, but for what may be its beginning.
  mutating func add(_ piece: String) -> String {
    guard !key.isEmpty else { return piece }
    var rest = (held + Array(piece.utf8))[...]
    var plain: [UInt8] = []
    while let byte = rest.first {
      if rest.starts(with: key) {
        plain += Array("[key]".utf8)
        rest = rest.dropFirst(key.count)
      } else if rest.count < key.count, key.starts(with: rest) {
        break
      } else {
        plain.append(byte)
        rest = rest.dropFirst()
      }
    }
    held = Array(rest)
    return String(decoding: plain, as: UTF8.self)
  }

  /// The rest at the end of the text.
  mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }
}

extension KeyHiding {
  /// A text that is whole, without the key.
  static func hide(_ key: [UInt8], in text: String) -> String {
    var hiding = KeyHiding(key)
    return hiding.add(text) + hiding.finish()
  }
}

/// Hides a key in an answer.
struct AnswerHiding {
  private let key: [UInt8]
  private var text: KeyHiding
  private var arguments: [Int: KeyHiding] = [:]

  /// - Parameter key: empty for nothing to hide.
  init(_ key: [UInt8]) {
    self.key = key
    text = KeyHiding(key)
  }

  /// Takes the next pieces.
  /// - Returns: what can be said of the answer so far.
  mutating func add(_ pieces: [Piece]) -> [Piece] {
    guard !key.isEmpty else { return pieces }
    return pieces.compactMap { piece in
      switch piece {
      case .text(let more):
        let plain = text.add(more)
        return plain.isEmpty ? nil : .text(plain)
      case .toolCall(let index, let id, let name):
        return .toolCall(index: index, id: KeyHiding.hide(key, in: id), name: KeyHiding.hide(key, in: name))
      case .arguments(let index, let more):
        let plain = arguments[index, default: KeyHiding(key)].add(more)
        return plain.isEmpty ? nil : .arguments(index: index, plain)
      }
    }
  }

  /// The rest at the end of the answer.
  mutating func finish() -> [Piece] {
    let rest = text.finish()
    var pieces: [Piece] = rest.isEmpty ? [] : [.text(rest)]
    for index in arguments.keys.sorted() {
      let rest = arguments[index]?.finish() ?? ""
      if !rest.isEmpty { pieces.append(.arguments(index: index, rest)) }
    }
    return pieces
  }
}

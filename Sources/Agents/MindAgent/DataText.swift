import MCP
import OpenStarryAgent

extension DataText {
  /// What others have written, as the model gets it.
  /// - Parameter limit: the most bytes of JSON. A longer value becomes the beginning of its text, as `cut`.
  static func block(_ value: Value, limit: Int = 4096) -> String {
    let whole = String(decoding: JSONText.write(value), as: UTF8.self)
    var text = escaped(json: whole)
    var room = limit
    while text.utf8.count > limit {
      room /= 2
      let cut: Value = ["cut": .string(whole.bounded(room)), "bytes": .int(Int64(whole.utf8.count))]
      text = escaped(json: String(decoding: JSONText.write(cut), as: UTF8.self))
      if room < 8 { break }
    }
    return begin + text + end
  }

  /// The bytes of a value's JSON in a block.
  static func size(_ value: Value) -> Int {
    escaped(json: String(decoding: JSONText.write(value), as: UTF8.self)).utf8.count
  }
}

extension String {
  /// Its beginning, at most `limit` bytes, which ends with `…` where something is left out.
  func bounded(_ limit: Int) -> String {
    utf8.count <= limit ? self : beginning(max(0, limit - 3)) + "…"
  }

  /// Its first whole characters of UTF-8, at most `limit` bytes.
  func beginning(_ limit: Int) -> String {
    guard var end = utf8.index(utf8.startIndex, offsetBy: limit, limitedBy: utf8.endIndex), end < utf8.endIndex else {
      return self
    }
    while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
    return String(self[..<end])
  }
}

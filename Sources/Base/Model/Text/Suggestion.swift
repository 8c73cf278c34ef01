/// Suggests known names for misspelt ones.
package enum Suggestion {
  /// The name in `known` with the fewest edits from `name`.
  /// - Returns: nil when all need more edits than a third of the name's length (at least one, at most three).
  package static func closest(to name: String, in known: some Sequence<String>) -> String? {
    guard Name(name).isShort else { return nil }
    let limit = min(3, max(1, name.count / 3))
    return known.map { (name: $0, edits: edits(from: name, to: $0)) }
      .filter { $0.edits <= limit }
      .min { ($0.edits, $0.name) < ($1.edits, $1.name) }?.name
  }

  /// ` (did you mean 'x'?)` to append to a message; empty without a suggestion.
  package static func phrase(for name: String, in known: some Sequence<String>) -> String {
    closest(to: name, in: known).map { " (did you mean '\($0)'?)" } ?? ""
  }

  /// The number of edits between two texts; swapped neighbours count as one (optimal string alignment distance).
  static func edits(from left: String, to right: String) -> Int {
    let (a, b) = (Array(left.lowercased().utf8), Array(right.lowercased().utf8))
    guard abs(a.count - b.count) <= 3, a.count <= 256, b.count <= 256 else { return .max }
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}

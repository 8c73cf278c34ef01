import Model

/// Finds the wildcard patterns that match a name, without trying patterns with another prefix.
///
/// A trie of the prefixes before the first `*`. A search costs one look-up per byte of the name.
struct PatternIndex: Sendable {
  private struct Branch: Sendable {
    var children: [UInt8: Int] = [:]
    var patterns: [(pattern: EventPattern, rule: Int)] = []
  }

  private var branches = [Branch()]

  /// Adds a pattern of the rule at index `rule`.
  mutating func insert(_ pattern: EventPattern, rule: Int) {
    var at = 0
    for byte in pattern.text.utf8.prefix(while: { $0 != UInt8(ascii: "*") }) {
      if let child = branches[at].children[byte] {
        at = child
      } else {
        branches.append(Branch())
        branches[at].children[byte] = branches.count - 1
        at = branches.count - 1
      }
    }
    branches[at].patterns.append((pattern, rule))
  }

  /// The indices of the rules with a matching pattern, unsorted and possibly with duplicates.
  func rules(for type: String) -> [Int] {
    var found: [Int] = []
    var at = 0
    collect(at, type, &found)
    for byte in type.utf8 {
      guard let child = branches[at].children[byte] else { break }
      at = child
      collect(at, type, &found)
    }
    return found
  }

  private func collect(_ branch: Int, _ type: String, _ found: inout [Int]) {
    for entry in branches[branch].patterns where entry.pattern.matches(type) { found.append(entry.rule) }
  }
}

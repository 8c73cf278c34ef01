/// A version of a plugin: `1.2.0`, `1.2.0-beta.2` (Semantic Versioning 2.0.0, sections 2 and 9).
package struct PluginVersion: Sendable, Hashable, CustomStringConvertible {
  /// Major, minor and patch.
  package var numbers: [UInt32]
  /// The identifiers after the hyphen; empty for a release.
  package var preRelease: [String]

  /// - Parameters:
  ///   - numbers: major, minor and patch.
  ///   - preRelease: the identifiers after the hyphen.
  package init(_ major: UInt32, _ minor: UInt32, _ patch: UInt32, preRelease: [String] = []) {
    numbers = [major, minor, patch]
    self.preRelease = preRelease
  }

  /// - Returns: nil if the text is not a version. Build metadata (`+…`) is refused: two builds of one version could not be
  ///   told apart.
  package init?(_ text: some StringProtocol) {
    let parts = String(text).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let found = String(parts[0]).split(separator: ".", omittingEmptySubsequences: false).map { Self.number($0) }
    guard found.count == 3, let major = found[0], let minor = found[1], let patch = found[2] else { return nil }
    self.init(major, minor, patch)
    guard parts.count == 2 else { return }
    preRelease = String(parts[1]).split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    guard parts[1].utf8.count <= 64, preRelease.allSatisfy(Self.isIdentifier) else { return nil }
  }

  /// A number without leading zeros.
  static func number(_ text: some StringProtocol) -> UInt32? {
    guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text.utf8.count == 1 || text.utf8.first != 0x30
    else { return nil }
    return UInt32(text)
  }

  private static func isIdentifier(_ text: String) -> Bool {
    guard !text.isEmpty else { return false }
    let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isNumber { return number(text) != nil }
    return text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D
    }
  }

  package var description: String {
    numbers.map(String.init).joined(separator: ".")
      + (preRelease.isEmpty ? "" : "-" + preRelease.joined(separator: "."))
  }
}

extension PluginVersion: Comparable {
  /// The precedence of Semantic Versioning, section 11.
  package static func < (left: PluginVersion, right: PluginVersion) -> Bool {
    if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
    if left.preRelease.isEmpty || right.preRelease.isEmpty {
      return !left.preRelease.isEmpty && right.preRelease.isEmpty
    }
    for (mine, other) in zip(left.preRelease, right.preRelease) where mine != other {
      switch (number(mine), number(other)) {
      case (let mine?, let other?): return mine < other
      case (_?, nil): return true
      case (nil, _?): return false
      case (nil, nil): return Array(mine.utf8).lexicographicallyPrecedes(Array(other.utf8))
      }
    }
    return left.preRelease.count < right.preRelease.count
  }
}

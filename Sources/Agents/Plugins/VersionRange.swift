/// The versions that a manifest accepts: `1`, `1.2`, `1.2.3`, `^1.2.3`, `~1.2.3`, `>=1.2.3`, `*`.
///
/// The forms and their meaning are those of npm's semver: a missing part matches anything, `^` allows what does not change
/// the first non-zero part, `~` allows newer patches. A pre-release matches only a range that names one of the same version.
package struct VersionRange: Sendable, Hashable, CustomStringConvertible {
  private let text: String
  /// The lowest version that matches.
  private let lowest: PluginVersion
  /// The lowest version above the range; nil if there is none.
  private let end: PluginVersion?

  /// Any released version.
  package static let any = VersionRange(text: "*", lowest: PluginVersion(0, 0, 0), end: nil)

  private init(text: String, lowest: PluginVersion, end: PluginVersion?) {
    (self.text, self.lowest, self.end) = (text, lowest, end)
  }

  /// - Returns: nil if the text is none of the forms.
  package init?(_ text: some StringProtocol) {
    if text == "*" {
      self = .any
      return
    }
    let sign = ["^", "~", ">="].first { text.hasPrefix($0) } ?? ""
    let rest = text.dropFirst(sign.count)
    guard let (lowest, given) = Self.partial(rest) else { return nil }
    let end: PluginVersion?
    switch sign {
    case "^": end = Self.caret(lowest, given)
    case "~": end = Self.after(lowest, part: given == 1 ? 0 : 1)
    case ">=": end = nil
    // With all three parts only this version.
    default: end = given == 3 ? lowest : Self.after(lowest, part: given - 1)
    }
    self.init(text: String(text), lowest: lowest, end: end)
  }

  /// Whether a version is within the range.
  package func contains(_ version: PluginVersion) -> Bool {
    guard version >= lowest, end.map({ version < $0 || version == lowest }) ?? true else { return false }
    return version.preRelease.isEmpty || !lowest.preRelease.isEmpty && version.numbers == lowest.numbers
  }

  package var description: String { text }

  /// A version of which trailing parts may be missing, and how many are given.
  private static func partial(_ text: some StringProtocol) -> (PluginVersion, given: Int)? {
    if let whole = PluginVersion(text) { return (whole, 3) }
    let parts = String(text).split(separator: ".", omittingEmptySubsequences: false).map { PluginVersion.number($0) }
    guard (1...2).contains(parts.count), let major = parts[0], let minor = parts.count == 2 ? parts[1] : 0 else {
      return nil
    }
    return (PluginVersion(major, minor, 0), parts.count)
  }

  /// The lowest version whose `part` is greater.
  private static func after(_ version: PluginVersion, part: Int) -> PluginVersion {
    var next = PluginVersion(0, 0, 0)
    for index in 0...part { next.numbers[index] = version.numbers[index] }
    next.numbers[part] += 1
    // Before its pre-releases.
    next.preRelease = ["0"]
    return next
  }

  private static func caret(_ version: PluginVersion, _ given: Int) -> PluginVersion {
    let first = version.numbers[..<given].firstIndex { $0 > 0 } ?? given - 1
    return after(version, part: first)
  }
}

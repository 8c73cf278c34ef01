import Model

/// How a manifest names a plugin: `tables`, `tables@1.2`, `@scope/tables@^1.2.0`.
package struct PluginReference: Sendable, Hashable {
  /// The name, with its scope.
  package var name: String
  /// The versions that are accepted.
  package var range: VersionRange

  /// A reference to versions within a range.
  package init(name: String, range: VersionRange) { (self.name, self.range) = (name, range) }

  /// - Returns: nil if the text has another form.
  package init?(_ text: String) {
    // The @ of a scope (`@scope/name`) does not begin a version.
    let mark = text.dropFirst().lastIndex(of: "@")
    let name = mark.map { String(text[..<$0]) } ?? text
    guard Self.isName(name) else { return nil }
    guard let mark else {
      (self.name, range) = (name, .any)
      return
    }
    guard let range = VersionRange(text[text.index(after: mark)...]) else { return nil }
    (self.name, self.range) = (name, range)
  }

  /// Whether a plugin may have this name: `tables` or `@scope/tables`, whose parts are well-formed ids. Plugins are folders,
  /// so a name must not lead elsewhere.
  package static func isName(_ text: String) -> Bool {
    guard text.hasPrefix("@") else { return AgentID(text).isWellFormed }
    let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { AgentID(String($0)).isWellFormed }
  }
}

extension PluginReference: CustomStringConvertible {
  package var description: String { range == .any ? name : "\(name)@\(range)" }
}

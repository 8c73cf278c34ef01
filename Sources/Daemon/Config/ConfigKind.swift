import Document
import Linux
import Model

/// The kinds of configuration files.
package enum ConfigKind: String, Sendable, Hashable, CaseIterable {
  /// `board.yaml`
  case board
  /// `agent.json`
  case agent
  /// `orchestration.yaml`
  case orchestration
  /// `openstarry.yaml`
  case settings

  /// Determines the kind of a file by its name, or else by its keys.
  /// - Parameters:
  ///   - fileName: with or without folders.
  ///   - node: the parsed file; nil to use the name only.
  /// - Returns: nil when the kind cannot be determined.
  package static func guess(fileName: String, _ node: Node? = nil) -> ConfigKind? {
    let name = Files.name(of: fileName) ?? fileName
    let stem = [".json", ".yaml", ".yml"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    // The last part of the stem is the kind: `climate.agent.json`, `kitchen.board.yaml`.
    switch stem.split(separator: ".").last {
    case "board"?: return .board
    case "agent"?: return .agent
    case "orchestration"?, "rules"?: return .orchestration
    case "openstarry"?: return .settings
    default: return node.flatMap(guess)
    }
  }

  private static func guess(_ node: Node) -> ConfigKind? {
    if node["identity"] != nil { return .agent }
    if case .list(let rules)? = node["rules"]?.content,
      rules.contains(where: { rule in if case .map = rule.content { true } else { false } })
    {
      return .orchestration
    }
    if case .map? = node["devices"]?.content { return .board }
    if node["chips"] != nil || node["buses"] != nil { return .board }
    if case .string? = node["board"]?.content { return .settings }
    return nil
  }

  /// The error for a file of unknown kind.
  static func unknown(_ file: String) -> Diagnostic {
    Diagnostic(
      Location(file: file),
      "this is not one of the daemon's files, expected a board ('devices'), a manifest ('identity'), rules ('rules'),"
        + " settings ('board'), or a name such as board.yaml, agent.json, orchestration.yaml or openstarry.yaml")
  }
}

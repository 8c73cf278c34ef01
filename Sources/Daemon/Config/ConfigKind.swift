import Document
import Model

/// The kinds of file that the daemon reads.
public enum ConfigKind: String, Sendable, Hashable, CaseIterable {
  /// `board.yaml`
  case board
  /// `agent.json`
  case agent
  /// `orchestration.yaml`
  case orchestration
  /// `openstarry.yaml`
  case settings

  /// Tells what kind of file something is, by its name, or else by the keys it has.
  /// - Parameters:
  ///   - fileName: with or without folders.
  ///   - node: what is in it; nil goes by the name alone.
  /// - Returns: nil when neither tells.
  public static func guess(fileName: String, _ node: Node? = nil) -> ConfigKind? {
    let name = Paths.name(of: fileName)
    let stem = [".json", ".yaml", ".yml"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    // `climate.agent.json` and `kitchen.board.yaml` say what they are in their last part.
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

  /// What is said of a file of no known kind.
  static func unknown(_ file: String) -> Diagnostic {
    Diagnostic(
      Location(file: file),
      "this is none of the daemon's files, expected a board ('devices'), a manifest ('identity'), rules ('rules') or"
        + " settings ('board'); the names board.yaml, agent.json, orchestration.yaml and openstarry.yaml say it too")
  }
}

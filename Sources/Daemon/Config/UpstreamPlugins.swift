import Document
import Model

/// Upstream's own plugins in a manifest, whose tasks are the daemon's and the mind's here.
struct UpstreamPlugins {
  /// The names without their scope, with their places in the manifest.
  let all: [(name: String, node: Node)]

  private static let scope = "@openstarry-plugin/"
  /// What the mind does itself. Any `provider-…` names who answers.
  private static let served: Set<String> = [
    "standard-function-fs", "standard-function-stdio", "guide-character-init", "mcp-client",
  ]
  /// The beginnings of those that connect people and programs with an agent.
  private static let connections = ["transport-", "tui-", "web-", "http-", "mcp-server"]

  init(_ manifest: FieldReader) {
    guard let node = manifest.entries.first(where: { $0.key == "plugins" })?.value, case .list(let nodes) = node.content
    else {
      all = []
      return
    }
    all = nodes.compactMap { node in
      (node["name"]?.scalar.string ?? node.scalar.string).flatMap(Self.name).map { ($0, node) }
    }
  }

  /// The name of one of upstream's own plugins without its scope and version; nil for others.
  static func name(_ reference: String) -> String? {
    guard reference.hasPrefix(scope) else { return nil }
    return String(reference.dropFirst(scope.count).prefix { $0 != "@" })
  }

  /// Says of each that has no effect why it has none.
  func note(_ findings: Findings) {
    for (name, node) in all where !name.hasPrefix("provider-") && !Self.served.contains(name) {
      let isConnection = Self.connections.contains { name.hasPrefix($0) }
      let why =
        isConnection
        ? "is not needed here: 'openstarry chat' and the control socket serve in its place"
        : "is not known here, and has no effect"
      findings.warning(node.location, "plugin '\(name.printable)' of upstream \(why)")
    }
  }
}

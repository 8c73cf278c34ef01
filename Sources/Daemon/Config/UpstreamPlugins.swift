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
  /// What serves in the place of those whose names begin like this.
  private static let replaced: [(beginnings: [String], by: String)] = [
    // They connect people and programs with an agent.
    (["transport-", "tui-", "web-", "http-", "mcp-server"], "'openstarry chat' and the control socket serve"),
    (["context-sliding-window"], "'memory.slidingWindowSize' serves"),
    (["standard-model-selector"], "'models' in openstarry.yaml and 'cognition.model' serve"),
    (["standard-core-commands"], "the commands of 'openstarry' serve"),
  ]

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

  /// Says of each that has no effect why it has none, and what of a provider's configuration has none.
  func note(_ findings: Findings) {
    for (name, node) in all where !Self.served.contains(name) {
      if name.hasPrefix("provider-") {
        Self.noteUnused(node["config"], of: "plugin '\(name.printable)'", but: "baseUrl", findings)
        continue
      }
      let other = Self.replaced.first { $0.beginnings.contains { name.hasPrefix($0) } }
      let why = other.map { "is not needed here: \($0.by) in its place" } ?? "is not known here, and has no effect"
      findings.warning(node.location, "plugin '\(name.printable)' of upstream \(why)")
    }
  }

  /// Names the keys of a provider's configuration that have no effect, without their values: one may be a secret.
  /// - Parameter used: a key that has one.
  static func noteUnused(_ config: Node?, of owner: String, but used: String = "", _ findings: Findings) {
    guard case .map(let entries)? = config?.content else { return }
    for entry in entries where !entry.key.isSame(as: used) {
      findings.warning(
        entry.keyLocation,
        "\(Wording.quoted(entry.key)) in 'config' of \(owner) is not used: 'models' in openstarry.yaml lists servers, "
          + "and their keys")
    }
  }
}

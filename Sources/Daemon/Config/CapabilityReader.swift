import Document
import Linux
import Model
import Plugins
import Proxy

/// Reads `capabilities` and `plugins`. A permission that no agent may have is an error.
struct CapabilityReader {
  let home: String?

  /// The permissions and plugins that the manifest asks for.
  func read(_ manifest: FieldReader) -> Capabilities {
    var permissions = Permissions()
    var (tools, asksModels) = ([String](), Bool?.none)
    var plugins = manifest.value("plugins", .list(of: plugin), [])
    guard let fields = manifest.map("capabilities") else {
      return Capabilities(permissions: permissions, plugins: plugins, tools: [], asksModels: nil)
    }
    tools = fields.value("tools", .list(of: .text), [])
    plugins += fields.value("plugins", .list(of: plugin), [])
    let allowedPaths = fields.value("allowedPaths", .list(of: path), [])
    if let block = fields.map("permissions", what: "'permissions'") {
      permissions = Permissions(
        sensors: block.value("sensors", .oneOrMore(of: .device), []),
        actuators: block.value("actuators", .oneOrMore(of: .device), []),
        cameras: block.value("cameras", .oneOrMore(of: .device), []),
        emit: block.value("emit", .oneOrMore(of: emit), []),
        model: false,
        paths: block.value("fs_allow_paths", .list(of: path), []),
        hosts: block.value("network_allow_hosts", .list(of: host), []),
        data: block.optional("data", .bytes))
      asksModels = block.optional("model", .bool)
      permissions.model = asksModels ?? false
      // Unknown keys are errors: a misspelt permission would be noticed only when it is needed.
      block.close()
    }
    permissions.paths = allowedPaths.filter { !permissions.paths.contains($0) } + permissions.paths
    fields.close(as: .warning)
    var seen: Set<String> = []
    plugins = plugins.filter { seen.insert($0).inserted }
    var names: Set<String> = []
    for name in plugins.compactMap({ PluginReference($0)?.name }) where !names.insert(name).inserted {
      fields.findings.error(
        fields.place(of: "plugins"), "'plugins' names '\(name)' with two ranges: both would be seen at the same path")
    }
    return Capabilities(permissions: permissions, plugins: plugins, tools: tools, asksModels: asksModels)
  }

  /// What the blocks say.
  struct Capabilities {
    var permissions: Permissions
    var plugins: [String]
    /// `capabilities.tools`.
    var tools: [String]
    /// `permissions.model`; nil where it is not there.
    var asksModels: Bool?
  }

  /// `tables@1`, `@scope/name`, or upstream's `{name, path?, config?}`.
  private var plugin: Shape<String> {
    let expected = "a plugin such as tables@1 or @scope/tables@1.2.0"
    func name(_ fields: FieldReader) -> Node? {
      defer {
        fields.accept("path", "config")
        fields.close(as: .warning)
      }
      return fields.required("name", .text(expected)).flatMap { _ in fields.node("name") }
    }
    return Shape(
      expected: expected, .either(.text(Schema.plugin), .map { _ = name($0) })
    ) { node, subject, findings in
      var node = node
      if case .map = node.content {
        guard let found = FieldReader(node, what: subject, findings: findings).flatMap(name) else { return nil }
        node = found
      }
      if case .string(let text) = node.content, PluginReference(text) != nil { return text }
      findings.error(node.location, "\(subject) is \(Wording.shown(node)), expected \(expected)")
      return nil
    }
  }

  /// An event pattern outside the daemon's own domains.
  private var emit: Shape<EventPattern> {
    let event = Shape<EventPattern>.event
    return Shape(expected: event.expected, event.schema) { node, subject, findings in
      guard let pattern = event.read(node, subject, findings) else { return nil }
      if let domain = pattern.ownDomain {
        findings.error(
          node.location,
          "\(subject) is '\(pattern)', but only the daemon publishes '\(domain):', expected a domain of the agent's "
            + "own")
        return nil
      }
      return pattern
    }
  }

  /// A folder or file that an agent may read. Relative paths start in the manifest's folder.
  private var path: Shape<String> {
    let expected = "a folder or file such as ./data or /srv/data"
    return Shape(expected: expected, .text(least: 1, most: 4096)) { node, subject, findings in
      guard let text = Shape<String>.text(expected).read(node, subject, findings) else { return nil }
      let path = Paths.expand(text, home: home)
      guard let reason = Self.refusal(path) else { return path }
      findings.error(node.location, "\(subject) is \(Wording.quoted(text)): \(reason), expected \(expected)")
      return nil
    }
  }

  /// The reason to refuse a path; nil to allow it.
  private static func refusal(_ path: String) -> String? {
    if path.utf8.contains(0) { return "a path cannot contain a NUL character" }
    if path.utf8.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) {
      return "wildcards are not supported"
    }
    let parts = Files.parts(of: path).filter { $0 != "." }
    if parts.contains("..") { return "'..' leads out of the allowed folder" }
    guard Files.isAbsolute(path) else { return nil }
    switch parts.first {
    case nil: return "no agent may read everything"
    case "dev"?, "sys"?: return "agents reach hardware through the daemon only"
    case "proc"?: return "agents may not look at other processes"
    default: return nil
    }
  }

  /// The proxy reads the same entries.
  private var host: Shape<String> {
    let expected = "a host such as api.example.org, *.example.org, 192.0.2.1:8080 or [2001:db8::1]:80, not a URL"
    return Shape(expected, .text("(?:\\*\\.)?[^\\s/]+")) { node in
      guard case .string(let text) = node.content, HostRule(Array(text.utf8)) != nil else { return nil }
      return text
    }
  }
}

extension EventPattern {
  /// The daemon's own domain in the pattern, such as `sensor`; nil for others, and for a domain with a wildcard.
  /// Emitted events are checked again.
  var ownDomain: String? {
    Self.builtInDomain(of: text)
  }
}

import Document
import Model
import Proxy

/// Reads the MCP servers of upstream's client plugin: `config.servers`, a map from names or a list of maps with `name`. Each
/// has `command` and `args`, or `url`.
struct ServerReader {
  let findings: Findings

  /// - Parameter plugin: the plugin's entry in the manifest.
  func read(_ plugin: Node) -> [Mind.Server] {
    guard let node = plugin["config"] else { return [] }
    if case .null = node.content { return [] }
    guard let config = map(node, "'config' of plugin 'mcp-client'") else { return [] }
    let servers = config.node("servers")
    config.close(as: .warning)
    switch servers?.content {
    case nil: return []
    case .map(let entries)?: return entries.compactMap { server($0.key, $0.value) }
    case .list(let nodes)?: return nodes.compactMap(named)
    default:
      if let servers { findings.warning(servers.location, "'servers' is \(Wording.shown(servers)), expected a map") }
      return []
    }
  }

  /// A map in the plugin's entry; nil for anything else, which is only a warning: upstream's manifests have to load.
  private func map(_ node: Node, _ what: String) -> FieldReader? {
    if case .map(let entries) = node.content {
      return FieldReader(entries, what: what, location: node.location, findings: findings)
    }
    findings.warning(node.location, "\(what) is \(Wording.shown(node)), expected a map, and is not used")
    return nil
  }

  /// A server in a list.
  private func named(_ node: Node) -> Mind.Server? {
    if let name = node["name"]?.scalar.string { return server(name, node) }
    findings.warning(node.location, "an entry of 'servers' has no 'name', and is left out")
    return nil
  }

  private func server(_ name: String, _ node: Node) -> Mind.Server? {
    let subject = "the MCP server \(Wording.quoted(name))"
    guard let fields = map(node, subject) else { return nil }
    noteUnused(fields)
    let (url, program, arguments) = (fields.node("url"), fields.node("command"), fields.node("args"))
    // `url` and `command` say which kind it is.
    fields.accept("name", "type", "transport")
    fields.close(as: .warning)
    if let url { return self.url(url).map { Mind.Server(name: name, .url($0)) } }
    guard let program else {
      findings.warning(node.location, "\(subject) is left out: it has neither 'command' nor 'url'")
      return nil
    }
    guard let path = program.scalar.string, !path.isEmpty else {
      findings.warning(
        program.location, "\(subject) is left out: its 'command' is \(Wording.shown(program)), expected a program")
      return nil
    }
    return Mind.Server(name: name, .program([path] + words(arguments, subject)))
  }

  /// The arguments of a program. Numbers in them are texts, as on a command line.
  private func words(_ arguments: Node?, _ subject: String) -> [String] {
    guard let arguments else { return [] }
    guard case .list(let nodes) = arguments.content else {
      findings.warning(
        arguments.location, "'args' of \(subject) is \(Wording.shown(arguments)), expected a list, and is not used")
      return []
    }
    return nodes.compactMap { node -> String? in
      switch node.content {
      case .string(let text): return text
      case .int, .double, .bool: return Wording.shown(node)
      case .null, .list, .map:
        findings.warning(
          node.location, "an entry of 'args' of \(subject) is \(Wording.shown(node)), expected text, and is left out")
        return nil
      }
    }
  }

  /// Variables and fields mostly carry keys, which a manifest is no place for.
  private func noteUnused(_ server: FieldReader) {
    for key in ["env", "headers"] {
      guard let unused = server.node(key) else { continue }
      findings.warning(unused.location, "'\(key)' of \(server.what) is not passed on")
    }
  }

  private func url(_ node: Node) -> String? {
    if let text = node.scalar.string, Self.destination(text) != nil { return text }
    findings.warning(
      node.location,
      "'url' is \(Wording.shown(node)), expected the address of an MCP server such as https://example.org/mcp")
    return nil
  }

  /// Where a URL leads; nil if it is none, or has a user's name in it.
  private static func destination(_ url: String) -> Destination? {
    let ports: [(scheme: String, port: UInt16)] = [("http://", 80), ("https://", 443)]
    guard let kind = ports.first(where: { url.hasPrefix($0.scheme) }), url.utf8.count <= 1024,
      url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let host = url.utf8.dropFirst(kind.scheme.utf8.count).prefix { $0 != 0x2F && $0 != 0x3F && $0 != 0x23 }
    return Destination(Array(host), standard: kind.port)
  }

  /// The hosts of servers that the manifest's own list does not have, so that the proxy would not let them pass.
  /// - Parameter hosts: `network_allow_hosts`.
  static func missingHosts(_ servers: [Mind.Server], _ hosts: [String]) -> [String] {
    let rules = hosts.compactMap { HostRule(Array($0.utf8)) }
    return servers.compactMap { server in
      guard case .url(let url) = server.place, let destination = destination(url),
        !rules.contains(where: { $0.matches(destination) })
      else { return nil }
      return url
    }
  }
}

import Document
import Model
import Proxy

/// Reads the MCP servers of upstream's client plugin: `config.servers`, a map from names or a list of maps with `name`. Each
/// has `command` and `args`, or `url`.
struct ServerReader {
  let findings: Findings

  /// - Parameter plugin: the plugin's entry in the manifest.
  func read(_ plugin: Node) -> [Mind.Server] {
    let servers = plugin["config"]?["servers"]
    let found: [(name: String, node: Node)] =
      switch servers?.content {
      case .map(let entries)?: entries.map { ($0.key, $0.value) }
      case .list(let nodes)?: nodes.compactMap { node in node["name"]?.scalar.string.map { ($0, node) } }
      default: []
      }
    return found.compactMap { name, node in server(name, node) }
  }

  private func server(_ name: String, _ node: Node) -> Mind.Server? {
    noteUnused(name, node)
    if let url = node["url"] { return self.url(url).map { Mind.Server(name: name, .url($0)) } }
    guard let program = node["command"]?.scalar.string else {
      findings.warning(
        node.location, "the MCP server \(Wording.quoted(name)) is left out: it has neither 'command' nor 'url'")
      return nil
    }
    var command = [program]
    if case .list(let arguments)? = node["args"]?.content { command += arguments.compactMap(\.scalar.string) }
    return Mind.Server(name: name, .program(command))
  }

  /// Variables and fields mostly carry keys, which a manifest is no place for.
  private func noteUnused(_ name: String, _ node: Node) {
    for key in ["env", "headers"] {
      guard let unused = node[key] else { continue }
      findings.warning(unused.location, "'\(key)' of the MCP server \(Wording.quoted(name)) is not passed on")
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

/// An entry of `network_allow_hosts`, to compare it with another one. The proxy's `HostRule` decides what it allows.
struct HostEntry {
  private let host: String
  /// nil: 80 and 443.
  private let port: Substring?

  /// Reads an entry that has been checked: `api.example.org`, `*.example.org:8080`, `[2001:db8::1]:80`.
  init(_ text: String) {
    let text = text.lowercased()
    let end = text.lastIndex(of: ":").flatMap { text[$0...].contains("]") ? nil : $0 }
    host = String(text[..<(end ?? text.endIndex)])
    port = end.map { text[text.index(after: $0)...] }
  }

  /// Whether all that `other` allows is allowed by this entry, too. Two forms of one address of IPv6 are not the same.
  func includes(_ other: HostEntry) -> Bool {
    guard port == other.port || port == nil && (other.port == "80" || other.port == "443") else { return false }
    return host == other.host || host.hasPrefix("*.") && other.host.hasSuffix(host.dropFirst())
  }
}

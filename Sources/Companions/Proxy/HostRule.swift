/// An entry of a manifest's `network_allow_hosts`: `api.example.org`, `*.example.org`, `192.0.2.1:8080`, `[2001:db8::1]`.
package struct HostRule: Equatable, Sendable {
  private enum Host: Equatable, Sendable {
    case exactly(Destination.Host)
    /// Every name that ends with a dot and this one.
    case below([UInt8])
  }

  private let host: Host
  /// nil: 80 and 443.
  private let port: UInt16?

  /// Reads an entry; nil when it is none. An address of IPv4 within one of IPv6 is none, since it would be a second way
  /// to write the same.
  package init?(_ text: [UInt8]) {
    guard let (host, port) = Destination.split(text) else { return nil }
    self.port = port
    if text.first == 0x2A {
      guard host.count > 2, host[1] == 0x2E, let name = Destination.name([UInt8](host[2...])), host.last != 0x2E else {
        return nil
      }
      self.host = .below(name)
      return
    }
    if text.first == 0x5B {
      guard let address = IPAddress(host), address.bytes.count == 16, !address.isMapped else { return nil }
      self.host = .exactly(.address(address))
      return
    }
    guard host.last != 0x2E, let read = Destination.host(host) else { return nil }
    self.host = .exactly(read)
  }

  /// Whether a destination is the entry's.
  package func matches(_ destination: Destination) -> Bool {
    guard port.map({ $0 == destination.port }) ?? (destination.port == 80 || destination.port == 443) else {
      return false
    }
    switch host {
    case .exactly(let host): return host == destination.host
    case .below(let parent):
      guard case .name(let name) = destination.host, name.count > parent.count + 1 else { return false }
      let start = name.count - parent.count
      return name[start - 1] == 0x2E && [UInt8](name[start...]) == parent
    }
  }
}

/// The hosts that an agent may connect to.
package struct HostRules: Equatable, Sendable {
  private let rules: [HostRule]

  /// Without entries: nothing is allowed.
  package init() { rules = [] }

  /// Reads the entries; nil when one is none.
  package init?(_ texts: [[UInt8]]) {
    var rules: [HostRule] = []
    for text in texts {
      guard let rule = HostRule(text) else { return nil }
      rules.append(rule)
    }
    self.rules = rules
  }

  /// Whether the agent may ask for a destination.
  package func allow(_ destination: Destination) -> Bool {
    for rule in rules where rule.matches(destination) { return true }
    return false
  }

  /// Whether the agent may reach a destination at this address. An address outside the public Internet has to be listed
  /// itself: otherwise whoever controls a name could lead the agent to machines of this network.
  package func allow(_ destination: Destination, at address: IPAddress) -> Bool {
    guard allow(destination) else { return false }
    return address.isPublic || allow(Destination(.address(address), port: destination.port))
  }
}

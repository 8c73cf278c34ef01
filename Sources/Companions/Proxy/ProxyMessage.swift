#if !hasFeature(Embedded)
  import Companion
#endif

/// The protocol between daemon and proxy, one message per packet (unix(7), SOCK_SEQPACKET).
///
/// A header has the mark `OP`, layout, kind and length; the fields follow, integers little-endian. Later layouts only
/// append fields and add kinds; readers ignore what they do not know.
package enum ProxyMessage: Equatable, Sendable {
  // From the daemon.

  /// Serve an agent. Descriptor: its listening socket. `hosts` are the entries of `network_allow_hosts`.
  case allow(id: UInt32, hosts: [[UInt8]])
  /// The agent has gone: close its listening socket and end its connections.
  case drop(id: UInt32)

  // From the proxy.

  /// It serves the agent.
  case serving(id: UInt32)
  /// Something that the agent's log should tell.
  case report(id: UInt32, ProxyReport)
  /// There were more reports than the proxy sends: connections made, and attempts that failed.
  case more(id: UInt32, opened: UInt32, failed: UInt32)

  /// The longest message, in bytes. A kernel's default send buffer takes three of them (net.core.wmem_default).
  package static let longest = 65_536
}

/// An agent's attempt to connect.
package struct ProxyReport: Equatable, Sendable {
  /// What became of it.
  package var outcome: ProxyOutcome
  /// The host as the agent wrote it, in lower case; empty when it could not be read.
  package var host: [UInt8]
  /// 0 when it could not be read.
  package var port: UInt16
  /// The address, as text; empty when there is none.
  package var address: [UInt8]
  /// The errno of `unreachable`; 0 otherwise.
  package var errno: Int32

  /// A report.
  package init(_ outcome: ProxyOutcome, host: [UInt8] = [], port: UInt16 = 0, address: [UInt8] = [], errno: Int32 = 0) {
    self.outcome = outcome
    self.host = host
    self.port = port
    self.address = address
    self.errno = errno
  }
}

/// What became of an attempt to connect.
package enum ProxyOutcome: UInt8, Sendable {
  case connected = 1
  /// No entry of `network_allow_hosts` is the destination.
  case notListed = 2
  /// The name leads to an address outside the public Internet, and that is not listed itself.
  case notPublic = 3
  /// There is no such name.
  case noSuchName = 4
  /// The name service does not answer.
  case noNameService = 5
  case unreachable = 6
  case timedOut = 7
  /// The agent has sent neither HTTP nor SOCKS 5.
  case notUnderstood = 8
  /// It has as many connections as it may have; further ones wait.
  case tooMany = 9
}

extension ProxyMessage: PacketMessage {
  private static let header = PacketHeader(mark: (0x4F, 0x50), layout: 1)

  private var kind: UInt8 {
    switch self {
    case .allow: 1
    case .drop: 2
    case .serving: 16
    case .report: 17
    case .more: 18
    }
  }

  /// The message as one packet.
  package var bytes: [UInt8] {
    Self.header.message(kind) { writer in
      switch self {
      case .allow(let id, let hosts):
        writer.integer(id)
        writer.integer(UInt16(truncatingIfNeeded: hosts.count))
        for host in hosts { writer.longText(host) }
      case .drop(let id), .serving(let id): writer.integer(id)
      case .report(let id, let report):
        writer.integer(id)
        writer.byte(report.outcome.rawValue)
        writer.text(report.host)
        writer.integer(report.port)
        writer.text(report.address)
        writer.integer(report.errno)
      case .more(let id, let opened, let failed):
        writer.integer(id)
        writer.integer(opened)
        writer.integer(failed)
      }
    }
  }

  /// Reads a packet.
  /// - Returns: nil for a malformed or truncated packet, or an unknown kind. Entries may be no hosts.
  package init?(_ bytes: [UInt8]) {
    guard let (kind, start) = Self.header.open(bytes, longest: Self.longest) else { return nil }
    var reader = start
    guard let id: UInt32 = reader.integer() else { return nil }
    switch kind {
    case 1:
      guard let count: UInt16 = reader.integer() else { return nil }
      var hosts: [[UInt8]] = []
      for _ in 0..<count {
        guard let host = reader.longText() else { return nil }
        hosts.append(host)
      }
      self = .allow(id: id, hosts: hosts)
    case 2: self = .drop(id: id)
    case 16: self = .serving(id: id)
    case 17:
      guard let number = reader.byte(), let outcome = ProxyOutcome(rawValue: number), let host = reader.text(),
        let port: UInt16 = reader.integer(), let address = reader.text(), let errno: Int32 = reader.integer()
      else { return nil }
      self = .report(id: id, ProxyReport(outcome, host: host, port: port, address: address, errno: errno))
    case 18:
      guard let opened: UInt32 = reader.integer(), let failed: UInt32 = reader.integer() else { return nil }
      self = .more(id: id, opened: opened, failed: failed)
    default: return nil
    }
  }
}

/// The two protocols that go by the name of MCP (modelcontextprotocol.io), told apart by their revisions.
package enum Era: Sendable, Hashable {
  /// Revisions up to 2025-11-25: `initialize` comes first, and the connection remembers it.
  case handshake
  /// From 2026-07-28 on: nothing is remembered, and every request carries its revision in `params._meta`.
  case envelope
}

/// The revisions of MCP, oldest first.
package enum Revision {
  /// Those with a handshake.
  package static let handshakes = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
  /// Those with an envelope.
  package static let envelopes = ["2026-07-28"]

  /// The newest revision of an era.
  package static func newest(_ era: Era) -> String {
    switch era {
    case .handshake: "2025-11-25"
    case .envelope: "2026-07-28"
    }
  }
}

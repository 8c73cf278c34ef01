import MCP
import Model
import RPC

/// The methods of MCP that this server has.
enum ServerMethods {
  /// Those of the revisions with a handshake.
  static let handshake = MethodTable<Exchange>([initialize, ping] + both + subscribeMethods)
  /// Those of the revisions with an envelope.
  static let envelope = MethodTable<Exchange>([discover, listen] + both)

  private static let both: [Method<Exchange>] = toolMethods + resourceMethods + promptMethods

  static let capabilities: Fields = [
    "tools": ["listChanged": true], "resources": ["subscribe": true, "listChanged": true], "prompts": [:],
  ]

  private static let initialize = Method<Exchange>(
    "initialize", .view, "Agrees on a revision.",
    Parameter.required("protocolVersion", .text, "the revision that the client would like"),
    result: "revision, capabilities, name and version"
  ) { exchange, wish throws(RPCError) in
    let known = Revision.handshakes.first { $0.isSame(as: wish) }
    let revision = known ?? Revision.newest(.handshake)
    exchange.server.handshake = revision
    return [
      "protocolVersion": .string(revision), "capabilities": .map(capabilities),
      "serverInfo": .map(exchange.server.info), "instructions": .string(BoardServer.instructions),
    ]
  }

  private static let ping = Method<Exchange>("ping", .view, "Answers at once.", result: "nothing") {
    _ throws(RPCError) in [:]
  }

  private static let discover = Method<Exchange>(
    "server/discover", .view, "Tells what the server can do.", result: "revisions and capabilities"
  ) { _ throws(RPCError) in
    [
      "supportedVersions": .list(Revision.envelopes.map { .string($0) }), "capabilities": .map(capabilities),
      "instructions": .string(BoardServer.instructions),
    ]
  }

  /// - Parameter cursor: the client's; there is only one page.
  static func checkPage(_ cursor: String?) throws(RPCError) {
    guard let cursor, !cursor.isEmpty else { return }
    throw RPCError(.invalidParams, "there is no page '\(Name(cursor).shown)': lists have one page")
  }
}

extension Parameter where Argument == String? {
  /// The page of a list.
  static var cursor: Self { .optional("cursor", .anyText, "the page") }
}

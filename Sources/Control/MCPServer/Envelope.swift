import MCP
import Model
import RPC

/// Tells the eras apart, and checks what a request says of itself.
enum Envelope {
  /// The era of a request on a transport without headers: an envelope names its revision.
  static func era(of request: Request) -> Era {
    let names = request.params["_meta"]?[EnvelopeKey.protocolVersion] != nil
    return names || request.method.isSame(as: "server/discover") ? .envelope : .handshake
  }

  /// - Parameter afterHandshake: whether `initialize` was answered.
  /// - Throws: -32602 for an envelope that is not complete, -32022 for a revision that is not known, -32600 for a request
  ///   that comes before the handshake.
  static func check(_ request: Request, _ era: Era, afterHandshake: Bool) throws(RPCError) {
    switch era {
    case .handshake:
      let isAlwaysHeard = ["initialize", "ping"].contains { $0.isSame(as: request.method) }
      guard afterHandshake || isAlwaysHeard else {
        throw RPCError(
          .invalidRequest, "'\(Name(request.method).shown)' came before 'initialize', and without an envelope",
          hint: "send 'initialize' first, or every request with '\(EnvelopeKey.protocolVersion)' in 'params._meta'")
      }
    case .envelope:
      let meta = request.params["_meta"]
      guard let revision = meta?[EnvelopeKey.protocolVersion]?.string else {
        throw incomplete(EnvelopeKey.protocolVersion, "the revision as a text")
      }
      guard Revision.envelopes.contains(where: { $0.isSame(as: revision) }) else {
        throw unsupported(revision)
      }
      guard meta?[EnvelopeKey.clientCapabilities]?.map != nil else {
        throw incomplete(EnvelopeKey.clientCapabilities, "an object")
      }
    }
  }

  private static func incomplete(_ key: String, _ expected: String) -> RPCError {
    RPCError(.invalidParams, "'params._meta' has no '\(key)'", data: ["expected": .string(expected)])
  }

  private static func unsupported(_ revision: String) -> RPCError {
    RPCError(
      code: ErrorCode.unsupportedVersion, message: "the revision '\(Name(revision).shown.printable)' is not known here",
      data: [
        "supported": .list(Revision.envelopes.map { .string($0) }),
        "requested": .string(revision.cut(to: 64).printable),
      ])
  }
}

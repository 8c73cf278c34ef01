/// The names of members of `_meta` (2026-07-28, "Base protocol").
package enum EnvelopeKey {
  private static let prefix = "io.modelcontextprotocol/"

  /// The revision of a request. Required.
  package static let protocolVersion = "\(prefix)protocolVersion"
  /// What the client can do. Required.
  package static let clientCapabilities = "\(prefix)clientCapabilities"
  /// Name and version of the client.
  package static let clientInfo = "\(prefix)clientInfo"
  /// Name and version of the server, in results.
  package static let serverInfo = "\(prefix)serverInfo"
  /// The id of the `subscriptions/listen` that a notification belongs to.
  package static let subscriptionID = "\(prefix)subscriptionId"
  /// The position of a request in a distributed trace (W3C Trace Context, `traceparent`).
  package static let traceParent = "traceparent"
}

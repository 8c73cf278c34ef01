/// The error codes of MCP beyond those of JSON-RPC 2.0.
package enum ErrorCode {
  /// No such resource (2025-11-25, "Resources"). Envelopes have -32602 for it.
  package static let resourceNotFound = -32002
  /// The revision of the request is not known here; `data` has `supported` and `requested`.
  package static let unsupportedVersion = -32022
}

import Document
import Model

/// How structured data crosses between a module and the host. A module chooses at load; JSON is the default.
enum PayloadEncoding: CaseIterable {
  case json
  /// RFC 8949, as `CBOR` reads it.
  case cbor

  /// Limits for one payload of a guest: a value takes up to ninety bytes of memory, however short its text is.
  static let limits = DocumentLimits(bytes: 262_144, depth: JSONText.depth, nodes: 16_384)
  /// Limits for a guest's report.
  static let reportLimits = DocumentLimits(bytes: 65_536, depth: JSONText.depth, nodes: 4_096)
  /// The longest command, in bytes.
  static let longestCommand = 1024

  /// A value for the guest.
  func encode(_ value: Value) -> [UInt8] {
    switch self {
    case .json: JSONText.write(value)
    case .cbor: CBOR.write(value)
    }
  }

  /// An event, a reading or a receipt for the guest.
  func encode(_ shape: some WireShape) -> [UInt8] {
    switch self {
    // Modules that know only the former names may be older than this daemon.
    case .json: JSONText.write(.map(shape.fields(withFormerNames: true)))
    case .cbor: shape.cbor
    }
  }

  /// Reads a guest's value.
  /// - Throws: `invalid` for bytes that are not in this encoding, or exceed a limit.
  func decode(_ bytes: [UInt8], limits: DocumentLimits = Self.limits) throws(AgentError) -> Value {
    switch self {
    case .json:
      do throws(Diagnostic) {
        return try JSON.decode(bytes[...], limits: limits)
      } catch {
        throw AgentError(.invalid, "not JSON: \(error.message)")
      }
    case .cbor:
      guard bytes.count <= limits.bytes else {
        throw AgentError(.invalid, "\(bytes.count) bytes, where at most \(limits.bytes) are allowed")
      }
      return try CBOR.read(bytes, values: limits.nodes)
    }
  }

  /// Reads the payload of an event; no bytes stand for an empty map.
  func decodePayload(_ bytes: [UInt8]) throws(AgentError) -> Fields {
    if bytes.isEmpty { return [:] }
    guard let fields = try decode(bytes).map else { throw AgentError(.invalid, "a payload is a map") }
    return fields
  }

  /// Reads a command.
  func decodeCommand(_ bytes: [UInt8]) throws(AgentError) -> ActuatorCommand {
    guard let command = ActuatorCommand(wireValue: try decode(bytes)) else {
      throw AgentError(.invalid, "a command is \(ActuatorCommand.forms)")
    }
    return command
  }
}

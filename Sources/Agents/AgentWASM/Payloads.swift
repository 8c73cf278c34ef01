import Document
import Model

/// The JSON texts of the contract.
enum Payloads {
  static func text(_ value: Value) -> [UInt8] { JSON.encode(value) }

  static func text(_ reading: Reading) -> [UInt8] {
    text([
      "value": .double(reading.value), "unit": .string(reading.unit),
      "time": .int(Int64(clamping: reading.time)), "quality": .string(reading.quality.rawValue),
    ])
  }

  static func text(_ receipt: Receipt) -> [UInt8] {
    text([
      "id": .string(receipt.id.description), "state": .double(receipt.state),
      "previous": .double(receipt.previous), "at": .int(Int64(clamping: receipt.at)),
      "confirmed": .bool(receipt.isConfirmed),
    ])
  }

  static func text(_ event: Event) -> [UInt8] {
    text([
      "id": .string(event.id.description), "type": .string(event.type), "time": .int(Int64(clamping: event.time)),
      "clock_synchronised": .bool(event.clockSynchronised), "monotonic_ns": .int(Int64(clamping: event.monotonic)),
      "source": .string(event.source), "cause": event.cause.map { .string($0.description) } ?? .null,
      "trace": .string(event.trace.description), "depth": .int(Int64(event.depth)),
      "priority": .int(Int64(event.priority.rawValue)), "payload": .map(event.payload),
    ])
  }

  /// Of a text that a guest hands over: a value holds up to ninety bytes of memory, however short its text is.
  static let limits = DocumentLimits(bytes: 262_144, depth: 64, nodes: 16_384)
  /// Of what it tells of itself.
  static let reportLimits = DocumentLimits(bytes: 65_536, depth: 64, nodes: 4_096)

  static func value(_ text: String) throws(AgentError) -> Value {
    do throws(Diagnostic) {
      return try JSON.decode(Array(text.utf8)[...], limits: limits)
    } catch {
      throw AgentError(.invalid, "no JSON: \(error.message)")
    }
  }

  static func fields(_ text: String) throws(AgentError) -> Fields {
    if text.isEmpty { return [:] }
    guard let fields = try value(text).map else { throw AgentError(.invalid, "a payload is a JSON map") }
    return fields
  }

  /// `"off"`, `"on"`, `{"level": 0.4}`, `{"pulse_ms": 500}`.
  static func command(_ text: String) throws(AgentError) -> ActuatorCommand {
    let value = try value(text)
    if value.string == "on" { return .on }
    if value.string == "off" { return .off }
    if let level = value["level"]?.double { return .level(level) }
    if let length = value["pulse_ms"]?.int, (1...86_400_000).contains(length) { return .pulse(.milliseconds(length)) }
    throw AgentError(.invalid, #"a command is "off", "on", {"level": 0 to 1} or {"pulse_ms": 1 to 86400000}"#)
  }
}

/// The largest payload of an event that an agent, a rule or a client publishes: as JSON, and in memory, where a list of
/// short lists takes twenty times as much.
package enum PayloadLimit {
  /// Bytes of JSON.
  package static let bytes = 16384
  /// Bytes of memory.
  package static let memory = 65536

  /// Why a payload is refused; nil when it is within the limits.
  package static func complaint(_ payload: Fields) -> String? {
    if let complaint = complaintOfMemory(payload) { return complaint }
    let weight = payload.weight
    guard weight > bytes else { return nil }
    return
      "the payload takes about \(weight) bytes as JSON, more than the limit of \(bytes); pass large things as files"
  }

  /// Why a payload is refused whose JSON is within the limit; nil when it is not.
  package static func complaintOfMemory(_ payload: Fields) -> String? {
    let held = payload.memory
    guard held > memory else { return nil }
    return "the payload takes \(held) bytes of memory, more than the limit of \(memory); use fewer, larger values"
  }
}

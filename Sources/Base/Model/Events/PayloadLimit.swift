/// The largest payload of an event that an agent, a rule or a client publishes: as JSON, and in memory, where a list of
/// short lists takes twenty times as much.
public enum PayloadLimit {
  /// Bytes of JSON.
  public static let bytes = 16384
  /// Bytes of memory.
  public static let memory = 65536

  /// Why a payload is refused; nil when it is within the limits.
  public static func complaint(_ payload: Fields) -> String? {
    if payload.weight > bytes { return "the payload is over \(bytes) bytes; pass large things as files" }
    let held = payload.memory
    if held > memory {
      return
        "the payload takes \(held) bytes of memory, more than the limit of \(memory); use fewer, larger values"
    }
    return nil
  }
}

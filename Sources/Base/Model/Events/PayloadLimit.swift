/// How large the payload of an event may be that an agent, a rule or a client publishes: as a text, and as it is held in
/// memory, which for a list of short lists is twenty times as much.
public enum PayloadLimit {
  /// Bytes as JSON.
  public static let bytes = 16384
  /// Bytes of memory.
  public static let memory = 65536

  /// What is wrong with a payload; nil when it may be published.
  public static func complaint(_ payload: Fields) -> String? {
    if payload.weight > bytes { return "the payload is over \(bytes) bytes; pass large things as files" }
    let held = payload.memory
    if held > memory {
      return
        "the payload takes \(held) bytes of memory, and \(memory) are there for one; fewer, larger values take less"
    }
    return nil
  }
}

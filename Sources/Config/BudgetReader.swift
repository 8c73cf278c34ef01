import Model

extension Budget {
  /// Reads the keys of a `budget` block that are there; the others stay as they are. The block is left open.
  mutating func read(_ block: FieldReader) {
    memory = block.optional("memory", .bytes) ?? memory
    cpu = block.optional("cpu", .percent) ?? cpu
    activation = block.optional("activation", .duration(atLeast: .microseconds(1))) ?? activation
    tokens = block.optional("tokens", .rate) ?? tokens
    events = block.optional("events", .rate) ?? events
    hardware = block.optional("hardware", .rate) ?? hardware
    log = block.optional("log", .byteRate) ?? log
    storage = block.optional("storage", .bytes) ?? storage
  }
}

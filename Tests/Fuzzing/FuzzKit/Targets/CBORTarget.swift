import Document
import Model
import TestKit

/// Structured data of a WebAssembly module that uses CBOR (docs/wasm-abi.md): it is read within its limits, or refused with
/// a message, and means the same as in JSON.
package final class CBORTarget: FuzzTarget {
  package let name = "cbor"
  package let form = InputForm.bytes
  package let longest = 8192
  package let words = [
    "id", "type", "time", "clock_synchronised", "monotonic_ns", "source", "cause", "trace", "depth", "priority",
    "payload",
    "value", "unit", "time_ns", "quality", "good", "state", "previous", "at_ns", "at", "confirmed", "on", "off",
    "level",
    "pulse_ms", "01J00000000000000000000000",
  ]
  private static let values = 1000
  private let mutator: ValueMutator

  /// Makes it.
  package init() { mutator = ValueMutator(words: words) }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard random.next() % 3 == 0, let value = try? CBOR.read(pool.any(&random)) else { return nil }
    let other = (try? CBOR.read(pool.any(&random))) ?? .null
    return Array(CBOR.write(mutator.mutate(value, other, &random)).prefix(longest))
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    let value: Value
    do throws(AgentError) { value = try CBOR.read(input, values: Self.values) } catch {
      try MessageRules.check(error.message, about: input)
      seen.note(error.message)
      // Reading shapes must not trap either.
      _ = try? Event(cbor: input)
      return
    }
    let (count, holdsBytes) = Self.measure(value)
    try require(count <= Self.values, "\(count) values, where at most \(Self.values) are allowed")
    try require((try? CBOR.read(CBOR.write(value))) == value, "it does not read what it writes: \(value)")
    if !holdsBytes {
      try require((try? JSON.decode(JSONText.write(value)[...])) == value, "JSON has another value: \(value)")
    }
    try compare(Event.self, input, value, &seen)
    try compare(Reading.self, input, value, &seen)
    try compare(Receipt.self, input, value, &seen)
    seen.note(ActuatorCommand(wireValue: value).map { "\($0)" } ?? "not a command")
  }

  /// A shape read from the bytes, and from the tree of values.
  private func compare<Shape: WireShape & Equatable>(
    _ type: Shape.Type, _ input: [UInt8], _ value: Value, _ seen: inout Seen
  ) throws {
    let direct = Result { () throws(AgentError) in try Shape(cbor: input) }
    let tree = Result { () throws(AgentError) in try Shape(value) }
    switch (direct, tree) {
    case (.success(let left), .success(let right)):
      try require(left == right, "read as \(left) from the bytes, as \(right) from the tree")
      try require((try? Shape(cbor: left.cbor)) == left, "it does not read what it writes: \(left)")
      seen.note("\(Shape.title)")
    case (.failure(let error), .failure):
      try MessageRules.check(error.message, about: input)
      seen.note(error.message)
    case (.success(let shape), .failure(let error)): throw Violation("\(shape) from the bytes; from the tree: \(error)")
    case (.failure(let error), .success(let shape)): throw Violation("\(shape) from the tree; from the bytes: \(error)")
    }
  }

  /// The number of values, and whether a byte string, which JSON does not have, is one of them.
  private static func measure(_ value: Value) -> (count: Int, holdsBytes: Bool) {
    let children = value.list ?? value.map?.map(\.value) ?? []
    var (count, holdsBytes) = (1, false)
    if case .bytes = value { holdsBytes = true }
    for child in children {
      let inner = measure(child)
      count += inner.count
      holdsBytes = holdsBytes || inner.holdsBytes
    }
    return (count, holdsBytes)
  }
}

import Document
import Model
import TestKit

/// Mutates documents as trees: changes types, moves subtrees, misspells keys. The grammar stays valid.
struct ValueMutator {
  /// Keys and values of the format.
  let words: [String]

  /// A document made from one or two others.
  func mutate(_ value: Value, _ other: Value, _ random: inout SeededGenerator) -> Value {
    var value = value
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      var at = Int.random(in: 0..<Self.count(value), using: &random)
      value = change(value, &at, other, &random) ?? .null
    }
    return value
  }

  /// The number of values in a tree.
  private static func count(_ value: Value) -> Int {
    switch value {
    case .list(let values): values.reduce(1) { $0 + count($1) }
    case .map(let fields): fields.reduce(1) { $0 + count($1.value) }
    default: 1
    }
  }

  private static func pick(_ value: Value, _ at: inout Int) -> Value? {
    if at == 0 { return value }
    at -= 1
    for child in value.list ?? value.map?.map(\.value) ?? [] {
      if let found = pick(child, &at) { return found }
    }
    return nil
  }

  /// Changes the value at index `at`, in depth-first order.
  /// - Returns: nil when the value is removed.
  private func change(_ value: Value, _ at: inout Int, _ other: Value, _ random: inout SeededGenerator) -> Value? {
    guard at > 0 else {
      at = .max
      return replace(value, other, &random)
    }
    at -= 1
    switch value {
    case .list(let values): return .list(values.compactMap { change($0, &at, other, &random) })
    case .map(let fields):
      return .map(Fields(fields.compactMap { key, value in change(value, &at, other, &random).map { (key, $0) } }))
    default: return value
    }
  }

  private func replace(_ value: Value, _ other: Value, _ random: inout SeededGenerator) -> Value? {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: return nil
    case 1: return .list([value])
    case 2: return [word(&random): value]
    case 3, 4:
      var at = Int.random(in: 0..<Self.count(other), using: &random)
      return Self.pick(other, &at)
    case 5, 6:
      switch value {
      case .map(var fields):
        fields[word(&random)] = any(depth: 2, &random)
        return .map(fields)
      case .list(let values): return .list(values + values.suffix(1) + [any(depth: 1, &random)])
      default: return any(depth: 0, &random)
      }
    case 7:
      guard case .map(let fields) = value, !fields.isEmpty else { return scalar(&random) }
      let renamed = Int.random(in: 0..<fields.count, using: &random)
      let key = Bool.random(using: &random) ? word(&random) : fields.keys[renamed] + "s"
      return .map(Fields(fields.enumerated().map { ($0 == renamed ? key : $1.key, $1.value) }))
    case 8:
      // Exceed the limits of depth or width.
      let times = 1 << Int.random(in: 1...7, using: &random)
      return Bool.random(using: &random)
        ? (0..<times).reduce(value) { inner, _ in .list([inner]) } : .list(Array(repeating: value, count: times))
    default: return scalar(&random)
    }
  }

  private func word(_ random: inout SeededGenerator) -> String { words.randomElement(using: &random) ?? "a" }

  /// A random value.
  func any(depth: Int, _ random: inout SeededGenerator) -> Value {
    switch depth == 0 ? 0 : Int.random(in: 0..<6, using: &random) {
    case 1: return .list((0..<Int.random(in: 0...3, using: &random)).map { _ in any(depth: depth - 1, &random) })
    case 2, 3:
      return .map(
        Fields((0..<Int.random(in: 0...4, using: &random)).map { _ in (word(&random), any(depth: depth - 1, &random)) })
      )
    default: return scalar(&random)
    }
  }

  private func scalar(_ random: inout SeededGenerator) -> Value {
    switch Int.random(in: 0..<9, using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2, 3:
      let number = ByteMutator.number(&random)
      return Int64(number).map(Value.int) ?? .double(Double(number) ?? 0)
    case 4: return .double([0.1, -0.0, 1e308, 2.5e-308, 0.999, -1.5, 1e19].randomElement(using: &random) ?? 0)
    case 5: return .string(ByteMutator.usual.randomElement(using: &random) ?? "")
    case 6: return .string(quantity(&random))
    case 7:
      let text = Bool.random(using: &random) ? "a" : "a\u{301}"
      return .string(String(repeating: text, count: 1 << Int.random(in: 0...10, using: &random)))
    default: return .string(word(&random))
    }
  }

  private func quantity(_ random: inout SeededGenerator) -> String {
    let units = [
      "ns", "ms", "s", "m", "h", "d", "%", "/s", "/m", "/h", "KiB", "MiB", "GiB", "k", "k/h", "B", "", " ", "s1ms",
    ]
    let number = Bool.random(using: &random) ? ByteMutator.number(&random) : "\(random.next() % 1000)"
    return number + (Bool.random(using: &random) ? "" : ".5") + (units.randomElement(using: &random) ?? "")
  }
}

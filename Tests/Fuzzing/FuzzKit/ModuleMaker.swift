import ModuleKit
import TestKit

/// Generates modules by the rules of the binary format, and mutates them section by section, so that errors are not
/// always found at the first length field.
struct ModuleMaker {
  private typealias Builder = ModuleBuilder

  /// Some imports, with their types: `i` is i32, `I` is i64.
  private static let imports: [(module: String, name: String, type: String)] = [
    ("openstarry:hal/sensors@0.1.0", "read", "iii>"), ("openstarry:hal/actuators@0.1.0", "control", "iiiiIi>"),
    ("openstarry:hal/cameras@0.1.0", "snapshot", "iii>"), ("openstarry:hal/cameras@0.1.0", "frame", "iiiii>"),
    ("openstarry:agent/model@0.1.0", "complete", "iiiiii>"), ("openstarry:agent/events@0.1.0", "emit", "iiiii>"),
    ("openstarry:agent/log@0.1.0", "write", "iii>"), ("openstarry:agent/state@0.1.0", "get", "iii>"),
    ("openstarry:agent/state@0.1.0", "set", "iiiii>"), ("openstarry:agent/clock@0.1.0", "monotonic-now", ">I"),
    ("openstarry:agent/random@0.1.0", "get-u64", ">I"), ("wasi_snapshot_preview1", "random_get", "ii>i"),
    ("wasi_snapshot_preview1", "fd_write", "iiii>i"), ("wasi_snapshot_preview1", "proc_exit", "i>"),
  ]

  /// A random well-typed module.
  func module(_ random: inout SeededGenerator) -> [UInt8] {
    var builder = ModuleBuilder()
    let chosen = (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in
      Self.imports.randomElement(using: &random)
    }
    let functions = chosen.map { (builder.importFunction($0.module, $0.name, $0.type), $0.type) }
    builder.memory = [0, 1, 1, 2, 32, 33, 65536].randomElement(using: &random) ?? 1
    let handle = body(functions, depth: 3, &random) + Builder.constant(2048)
    builder.agent(handle: handle, room: random.next() % 4 == 0 ? place(&random) : Builder.constant(8192))
    if random.next() % 8 == 0 {
      builder.start = builder.function(">", body(functions, depth: 1, &random))
    }
    if random.next() % 2 == 0 { builder.data(random.bytes(0...64), at: Int(random.next() % 131_072)) }
    return builder.bytes
  }

  /// Random statements that leave the stack unchanged.
  private func body(_ functions: [(Int, String)], depth: Int, _ random: inout SeededGenerator) -> [UInt8] {
    (0..<Int.random(in: 0...4, using: &random)).flatMap { _ -> [UInt8] in
      switch Int.random(in: 0..<8, using: &random) {
      case 0: return Builder.constant(Int(random.next() % 70_000)) + place(&random) + [0x36, 2, 0]
      case 1: return Builder.grow + Builder.drop
      case 2 where depth > 0:
        return Builder.choose(
          place(&random), body(functions, depth: depth - 1, &random), body(functions, depth: depth - 1, &random))
      case 3 where depth > 0: return Builder.while(place(&random), body(functions, depth: depth - 1, &random))
      case 4: return random.next() % 8 == 0 ? Builder.trap : []
      default:
        guard let (index, type) = functions.randomElement(using: &random) else { return [] }
        let sides = type.utf8.split(separator: UInt8(ascii: ">"), omittingEmptySubsequences: false)
        let arguments = sides[0].flatMap { kind in
          kind == UInt8(ascii: "I") ? Builder.wide(Int64(bitPattern: random.next())) : place(&random)
        }
        return arguments + Builder.call(index) + (sides[1].isEmpty ? [] : Builder.drop)
      }
    }
  }

  /// A number that may be an address or a length.
  private func place(_ random: inout SeededGenerator) -> [UInt8] {
    let places = [0, 1, 4, 64, 1024, 65_532, 65_536, 1 << 20, Int(Int32.max), -1, -65_536]
    return Builder.constant((places.randomElement(using: &random) ?? 0) + Int(random.next() % 3))
  }

  /// A copy of a module with a section moved, duplicated, removed or changed.
  func mutate(_ module: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    guard var sections = Self.sections(module), !sections.isEmpty else { return module }
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let at = Int.random(in: 0..<sections.count, using: &random)
      switch random.next() % 8 {
      case 0: sections.remove(at: at)
      case 1: sections.insert(sections[at], at: Int.random(in: 0...sections.count, using: &random))
      case 2: sections.swapAt(at, Int.random(in: 0..<sections.count, using: &random))
      case 3: sections[at].id = UInt8.random(in: 0...13, using: &random)
      default: change(&sections[at].content, &random)
      }
      if sections.isEmpty { break }
    }
    return module.prefix(8) + sections.flatMap { [$0.id] + Builder.number($0.content.count) + $0.content }
  }

  private func change(_ content: inout [UInt8], _ random: inout SeededGenerator) {
    guard !content.isEmpty else { return content = random.bytes(1...8) }
    let at = Int.random(in: 0..<content.count, using: &random)
    switch random.next() % 5 {
    case 0: content[at] ^= 1 << UInt8(random.next() % 8)
    case 1: content[at] = UInt8.random(in: 0...255, using: &random)
    case 2: content.remove(at: at)
    // The maximum u32 in LEB128.
    case 3: content.insert(contentsOf: [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], at: at)
    default: content.insert(contentsOf: content[at..<min(content.count, at + 8)], at: at)
    }
  }

  /// A module's sections; nil when its length fields are invalid.
  private static func sections(_ module: [UInt8]) -> [(id: UInt8, content: [UInt8])]? {
    var sections: [(id: UInt8, content: [UInt8])] = []
    var rest = module.dropFirst(8)
    while let id = rest.popFirst() {
      var (count, shift) = (0, 0)
      while let byte = rest.popFirst() {
        count |= Int(byte & 0x7F) << shift
        shift += 7
        if byte & 0x80 == 0 || shift > 28 { break }
      }
      guard count <= rest.count else { return nil }
      sections.append((id, Array(rest.prefix(count))))
      rest = rest.dropFirst(count)
    }
    return sections
  }
}

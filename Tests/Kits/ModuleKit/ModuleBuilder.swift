/// Writes WebAssembly modules in the binary format, including ones that no compiler would produce.
package struct ModuleBuilder {
  private var types: [String] = []
  private var imports: [[UInt8]] = []
  private var functions: [(type: Int, body: [UInt8])] = []
  private var exports: [[UInt8]] = []
  private var segments: [[UInt8]] = []
  /// The size of the memory in pages of 64 KiB.
  package var memory = 1
  /// The index of the start function; nil for none.
  package var start: Int?
  /// Raw bytes of sections after all others.
  package var tail: [UInt8] = []

  /// An empty module.
  package init() {}

  /// Imports a function; call it before `function`, as imports have the first indices.
  /// - Parameter signature: parameters, `>`, results; `i` is i32, `I` is i64.
  /// - Returns: the function's index.
  package mutating func importFunction(_ module: String, _ name: String, _ signature: String) -> Int {
    imports.append(Self.name(module) + Self.name(name) + [0] + Self.number(type(signature)))
    return imports.count - 1
  }

  /// Defines a function.
  /// - Parameter body: the instructions without the final `end`.
  /// - Returns: the function's index.
  @discardableResult
  package mutating func function(_ signature: String, export name: String? = nil, _ body: [UInt8]) -> Int {
    functions.append((type(signature), body))
    let index = imports.count + functions.count - 1
    if let name { exports.append(Self.name(name) + [0] + Self.number(index)) }
    return index
  }

  /// Adds a data segment: initial bytes of the memory.
  package mutating func data(_ bytes: [UInt8], at place: Int) {
    segments.append([0] + Self.constant(place) + [0x0B] + Self.number(bytes.count) + bytes)
  }

  /// Adds the exports of every agent: a handler that succeeds, and an allocator that always returns the same address.
  package mutating func agent(
    handle: [UInt8] = ModuleBuilder.constant(2048), room: [UInt8] = ModuleBuilder.constant(8192)
  ) {
    exports.append(Self.name("memory") + [2, 0])
    function("ii>i", export: "openstarry:agent/handler@0.1.0#handle", handle)
    function("iiii>i", export: "cabi_realloc", room)
  }

  /// The encoded module.
  package var bytes: [UInt8] {
    var module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
    func section(_ id: UInt8, _ content: [UInt8]) { module += [id] + Self.number(content.count) + content }
    section(
      1,
      Self.vector(
        types.map { type in
          let sides = type.utf8.split(separator: UInt8(ascii: ">"), omittingEmptySubsequences: false)
          return [0x60] + sides.flatMap { Self.vector($0.map(Self.kind)) }
        }))
    if !imports.isEmpty { section(2, Self.vector(imports)) }
    section(3, Self.vector(functions.map { Self.number($0.type) }))
    section(5, [1, 0] + Self.number(memory))
    section(7, Self.vector(exports))
    if let start { section(8, Self.number(start)) }
    section(
      10,
      Self.vector(
        functions.map { function in
          let body = [0] + function.body + [0x0B]
          return Self.number(body.count) + body
        }))
    if !segments.isEmpty { section(11, Self.vector(segments)) }
    return module + tail
  }

  /// `i32.const`.
  package static func constant(_ value: Int) -> [UInt8] { [0x41] + signed(Int64(Int32(truncatingIfNeeded: value))) }

  /// `i64.const`.
  package static func wide(_ value: Int64) -> [UInt8] { [0x42] + signed(value) }

  /// `i32.store` of the result of `value` to an address.
  package static func store(_ value: [UInt8], at place: Int) -> [UInt8] { constant(place) + value + [0x36, 2, 0] }

  /// `i32.add`, `i32.and` and `i32.ne` of the results of two expressions.
  package static func add(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] { first + second + [0x6A] }
  package static func and(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] { first + second + [0x71] }
  package static func differs(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] { first + second + [0x47] }

  /// `if … else … end`, without results.
  package static func choose(_ condition: [UInt8], _ yes: [UInt8], _ no: [UInt8]) -> [UInt8] {
    condition + [0x04, 0x40] + yes + [0x05] + no + [0x0B]
  }

  /// `loop … br_if 0`: repeats while `condition` is not 0.
  package static func `while`(_ condition: [UInt8], _ body: [UInt8]) -> [UInt8] {
    [0x03, 0x40] + body + condition + [0x0D, 0, 0x0B]
  }

  /// `memory.grow` by one page; its result is the previous size, or -1.
  package static let grow: [UInt8] = constant(1) + [0x40, 0]

  /// `call`.
  package static func call(_ function: Int) -> [UInt8] { [0x10] + number(function) }

  /// `i32.load` (or `i64.load`) from an address.
  package static func load(_ place: Int, wide: Bool = false) -> [UInt8] {
    constant(place) + [wide ? 0x29 : 0x28, 2, 0]
  }

  /// `loop … br 0`.
  package static func forever(_ body: [UInt8] = []) -> [UInt8] { [0x03, 0x40] + body + [0x0C, 0, 0x0B] }

  package static let drop: [UInt8] = [0x1A]
  package static let trap: [UInt8] = [0x00]

  /// An unsigned LEB128 number.
  package static func number(_ value: Int) -> [UInt8] {
    var (value, bytes): (Int, [UInt8]) = (value, [])
    repeat {
      bytes.append(UInt8(value & 0x7F) | (value > 0x7F ? 0x80 : 0))
      value >>= 7
    } while value > 0
    return bytes
  }

  private static func signed(_ value: Int64) -> [UInt8] {
    var (value, bytes): (Int64, [UInt8]) = (value, [])
    while true {
      let byte = UInt8(value & 0x7F)
      value >>= 7
      if value == 0 && byte & 0x40 == 0 || value == -1 && byte & 0x40 != 0 { return bytes + [byte] }
      bytes.append(byte | 0x80)
    }
  }

  private mutating func type(_ signature: String) -> Int {
    if let known = types.firstIndex(of: signature) { return known }
    types.append(signature)
    return types.count - 1
  }

  private static func kind(_ type: UInt8) -> [UInt8] { [type == UInt8(ascii: "I") ? 0x7E : 0x7F] }
  private static func name(_ text: String) -> [UInt8] { number(text.utf8.count) + text.utf8 }
  private static func vector(_ elements: [[UInt8]]) -> [UInt8] { number(elements.count) + elements.flatMap { $0 } }
}

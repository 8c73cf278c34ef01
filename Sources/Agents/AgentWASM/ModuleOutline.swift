/// The imports, exports and memories of a core module: enough to decide whether it may run.
///
/// The binary format is that of the WebAssembly core specification 2.0, section 5. The engine checks function bodies.
struct ModuleOutline {
  struct Import {
    var name: ImportName
    var signature: Signature
  }
  struct Memory {
    /// Pages of 64 KiB.
    var initial: UInt64
    var maximum: UInt64?
  }

  /// The most imports, and the most exports. The engine keeps a name and a type for each; agents have fewer than a hundred.
  static let mostNames = 1024

  private(set) var imports: [Import] = []
  private(set) var functions: [String: Signature] = [:]
  private(set) var memories: [Memory] = []
  /// Names under which memories are exported.
  private(set) var exportedMemories: Set<String> = []

  private var types: [Signature] = []
  private var functionTypes: [Int] = []
  private var functionExports: [(String, Int)] = []

  /// Parses a module.
  /// - Throws: the first error, with its offset in bytes.
  init(_ bytes: [UInt8]) throws(ModuleFault) {
    var reader = ModuleReader(bytes)
    guard try reader.take(8) == [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0] else {
      throw ModuleFault(
        "it is not a WebAssembly core module of version 1 (components must be unbundled, text must be assembled)", at: 0
      )
    }
    while !reader.isAtEnd {
      let id = try reader.byte()
      let size = try reader.count()
      var section = try reader.section(size)
      try read(section: id, &section)
      if (1...7).contains(id) && !section.isAtEnd {
        throw ModuleFault("section \(id) is longer than its content", at: section.position)
      }
    }
    for (name, index) in functionExports {
      guard functionTypes.indices.contains(index) else {
        throw ModuleFault("the export '\(name)' names function \(index), of \(functionTypes.count)", at: bytes.count)
      }
      functions[name] = types[functionTypes[index]]
    }
  }

  private mutating func read(section id: UInt8, _ section: inout ModuleReader) throws(ModuleFault) {
    switch id {
    case 1: for _ in 0..<(try section.count()) { types.append(try section.functionType()) }
    case 2: for _ in 0..<(try names(&section, "imports")) { try readImport(&section) }
    case 3: for _ in 0..<(try section.count()) { functionTypes.append(try typeIndex(&section)) }
    case 5: for _ in 0..<(try section.count()) { memories.append(try section.memory()) }
    case 7: for _ in 0..<(try names(&section, "exports")) { try readExport(&section) }
    case 0, 4, 6, 8...12: section.skip()
    default: throw ModuleFault("unknown section \(id)", at: section.position)
    }
    if id == 4 || id == 6 { section.skip() }
  }

  private func names(_ section: inout ModuleReader, _ what: String) throws(ModuleFault) -> Int {
    let place = section.position
    let count = try section.count()
    guard count <= Self.mostNames else {
      throw ModuleFault("it has \(count) \(what), more than the \(Self.mostNames) that are allowed", at: place)
    }
    return count
  }

  private mutating func readImport(_ section: inout ModuleReader) throws(ModuleFault) {
    let name = ImportName(module: try section.name(), name: try section.name())
    let place = section.position
    let kind = try section.byte()
    guard kind == 0 else {
      let what = kind == 2 ? "a memory" : kind == 1 ? "a table" : "something that is not a function"
      throw ModuleFault("it imports \(what), '\(name)'; the host has only functions", at: place)
    }
    let type = try typeIndex(&section)
    functionTypes.append(type)
    imports.append(Import(name: name, signature: types[type]))
  }

  private mutating func readExport(_ section: inout ModuleReader) throws(ModuleFault) {
    let name = try section.name()
    let kind = try section.byte()
    let index = try section.count(limit: UInt32.max)
    if kind == 0 { functionExports.append((name, index)) }
    if kind == 2 { exportedMemories.insert(name) }
  }

  private func typeIndex(_ section: inout ModuleReader) throws(ModuleFault) -> Int {
    let place = section.position
    let index = try section.count(limit: UInt32.max)
    guard types.indices.contains(index) else { throw ModuleFault("type \(index) of \(types.count)", at: place) }
    return index
  }
}

/// An error in a module.
struct ModuleFault: Error, Hashable, CustomStringConvertible {
  var message: String
  var offset: Int

  init(_ message: String, at offset: Int) {
    self.message = message
    self.offset = offset
  }

  var description: String { "byte \(offset): \(message)" }
}

/// What a core module says about itself before its code: enough to decide whether it may run here.
///
/// The binary format is that of the WebAssembly core specification 2.0, section 5. Function bodies are the engine's to
/// check.
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

  /// The most imports, and the most exports: the engine keeps a name and a type for each, and no agent has a hundred.
  static let mostNames = 1024

  private(set) var imports: [Import] = []
  private(set) var functions: [String: Signature] = [:]
  private(set) var memories: [Memory] = []
  /// Names under which memories are exported.
  private(set) var exportedMemories: Set<String> = []

  private var types: [Signature] = []
  private var functionTypes: [Int] = []
  private var functionExports: [(String, Int)] = []

  /// Reads the outline.
  /// - Throws: what is wrong, with the byte it is at.
  init(_ bytes: [UInt8]) throws(ModuleFault) {
    var reader = ModuleReader(bytes)
    guard try reader.take(8) == [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0] else {
      throw ModuleFault(
        "it is no WebAssembly core module of version 1 (a component has to be unbundled, text to be assembled)", at: 0)
    }
    while !reader.isAtEnd {
      let id = try reader.byte()
      let size = try reader.count()
      var section = try reader.section(size)
      try read(section: id, &section)
      if (1...7).contains(id) && !section.isAtEnd {
        throw ModuleFault("section \(id) is longer than what is in it", at: section.position)
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
      throw ModuleFault("it has \(count) \(what), more than the \(Self.mostNames) there may be", at: place)
    }
    return count
  }

  private mutating func readImport(_ section: inout ModuleReader) throws(ModuleFault) {
    let name = ImportName(module: try section.name(), name: try section.name())
    let place = section.position
    let kind = try section.byte()
    guard kind == 0 else {
      let what = kind == 2 ? "a memory" : kind == 1 ? "a table" : "something that is no function"
      throw ModuleFault("it imports \(what), '\(name)'; the host offers functions only", at: place)
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

/// What is wrong with a module.
struct ModuleFault: Error, Hashable, CustomStringConvertible {
  var message: String
  var offset: Int

  init(_ message: String, at offset: Int) {
    self.message = message
    self.offset = offset
  }

  var description: String { "byte \(offset): \(message)" }
}

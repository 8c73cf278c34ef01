/// The names of the contract in `wit/openstarry.wit`, lowered according to the component model's canonical ABI.
package enum ABI {
  /// The version in the names of imports and exports.
  package static let version = "0.1.0"
  /// The module's memory, which pointers refer to.
  package static let memory = "memory"
  /// `(old i32, oldSize i32, align i32, newSize i32) -> i32`: allocates memory in the guest, for data of the host.
  package static let allocate = "cabi_realloc"
  /// `(event: payload) -> result<_, string>`.
  package static let handle = "openstarry:agent/handler@0.1.0#handle"
  /// `() -> result<_, string>`; optional: runs once before the first event.
  package static let start = "openstarry:agent/handler@0.1.0#start"
  /// `() -> payload`; optional: a map.
  package static let snapshot = "openstarry:agent/handler@0.1.0#snapshot"
  /// `() -> ()`; optional, and never called: a module that has it uses CBOR instead of JSON.
  package static let cbor = "openstarry:agent/encoding@0.1.0#cbor"
  /// Frees the memory of a result after the host has read it; optional.
  package static func finish(_ export: String) -> String { "cabi_post_\(export)" }
  /// The first function of a WASI reactor; optional.
  package static let initialise = "_initialize"

  static let requiredExports: [(name: String, signature: Signature)] = [
    (allocate, "iiii>i"), (handle, "ii>i"),
  ]
  static let optionalExports: [(name: String, signature: Signature)] = [
    (start, ">i"), (snapshot, ">i"), (cbor, ">"), (initialise, ">"), (finish(handle), "i>"), (finish(start), "i>"),
    (finish(snapshot), "i>"),
  ]
}

/// The type of a core function: `i` is i32, `I` i64, `f` f32, `F` f64; parameters, `>`, results.
struct Signature: Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  var parameters: [UInt8]
  var results: [UInt8]

  init(parameters: [UInt8], results: [UInt8]) {
    self.parameters = parameters
    self.results = results
  }

  init(stringLiteral text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: ">"), maxSplits: 1, omittingEmptySubsequences: false)
    parameters = parts.first.map { Array($0) } ?? []
    results = parts.count > 1 ? Array(parts[1]) : []
  }

  var description: String {
    "(\(Self.names(parameters))) -> (\(Self.names(results)))"
  }

  private static func names(_ types: [UInt8]) -> String {
    types.map { type in
      switch type {
      case UInt8(ascii: "i"): "i32"
      case UInt8(ascii: "I"): "i64"
      case UInt8(ascii: "f"): "f32"
      case UInt8(ascii: "F"): "f64"
      default: "reference"
      }
    }.joined(separator: ", ")
  }
}

/// A function of the host that a guest may import.
struct ImportName: Hashable, CustomStringConvertible {
  var module: String
  var name: String
  var description: String { "\(module)#\(name)" }
}

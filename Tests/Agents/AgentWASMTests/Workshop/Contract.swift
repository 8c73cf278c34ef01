import Linux
import TestKit

@testable import AgentWASM

/// The contract in `wit/openstarry.wit`, lowered by the rules of the canonical ABI.
struct Contract {
  /// The lowered form of a WIT type.
  enum Kind: Equatable {
    /// A pointer and a length.
    case text
    case word
    case wide
  }

  struct Function {
    /// `openstarry:hal/sensors@0.1.0#read`.
    var name: String
    var parameters: [Kind]
    /// Nil for no result.
    var result: String?
    var isFallible: Bool { result?.hasPrefix("result<") ?? false }

    /// The core signature of an import. A result that is not one number is written to the address in the last
    /// parameter.
    var lowered: Signature { Signature(stringLiteral: core + (isArea ? "i>" : result == nil ? ">" : ">I")) }
    /// The core signature of an export. A result that is not one number is returned as a pointer.
    var lifted: Signature { Signature(stringLiteral: core + (isArea ? ">i" : result == nil ? ">" : ">I")) }

    private var isArea: Bool { result.map { $0 != "u64" } ?? false }
    private var core: String {
      parameters.map { $0 == .text ? "ii" : $0 == .wide ? "I" : "i" }.joined()
    }
  }

  var imports: [Function] = []
  var exports: [Function] = []
  /// The cases of `error-code`, in their order.
  var errorCodes: [String] = []

  init() throws {
    let text = String(
      decoding: try Repository.read("Sources/Agents/AgentWASM/wit/openstarry.wit"), as: UTF8.self)
    var (package, interface) = ("", "")
    var interfaces: [String: [Function]] = [:]
    for line in text.split(separator: "\n").map({ $0.drop { $0 == " " } }) {
      if let mark = line.firstIndex(of: "@"), line.hasPrefix("// In package ") {
        package = String(line[line.index(line.startIndex, offsetBy: 14)..<mark])
      }
      if line.hasPrefix("//") { continue }
      if line.hasPrefix("interface ") { interface = String(line.dropFirst(10).prefix { $0 != " " }) }
      if line.hasPrefix("enum error-code") {
        let cases = line.drop { $0 != "{" }.dropFirst().prefix { $0 != "}" }
        errorCodes = cases.split(separator: ",").map { String($0.filter { $0 != " " }) }
      }
      // The world: what a guest may import, and what it exports.
      if line.hasPrefix("import ") { imports += interfaces[String(line.dropFirst(7).dropLast()), default: []] }
      if line.hasPrefix("export ") { exports += interfaces[String(line.dropFirst(7).dropLast()), default: []] }
      guard let colon = line.firstIndex(of: ":"), line[colon...].hasPrefix(": func(") else { continue }
      let parts = line[colon...].dropFirst(7).split(separator: ")", maxSplits: 1, omittingEmptySubsequences: false)
      let types = parts[0].split(separator: ",").map { String($0.split(separator: ":")[1].filter { $0 != " " }) }
      let arrow = parts[1].dropLast().split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
      interfaces[interface, default: []].append(
        Function(
          name: "\(package)/\(interface)@\(ABI.version)#\(line[..<colon])",
          parameters: types.map { $0 == "string" || $0 == "payload" ? .text : $0 == "u64" ? .wide : .word },
          result: arrow.count > 1 ? String(arrow[1].drop { $0 == " " }) : nil))
    }
  }
}

import ModuleKit

@testable import AgentWASM

extension ModuleBuilder {
  /// Adds an import of the contract, or one with a similar name.
  mutating func importFunction(_ name: ImportName, _ signature: Signature) -> Int {
    importFunction(
      name.module, name.name,
      String(decoding: signature.parameters + [UInt8(ascii: ">")] + signature.results, as: UTF8.self))
  }
}

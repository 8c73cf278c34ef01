import Agent

/// Checks whether a module may run: known imports, required exports, memory within the limit.
enum ModuleCheck {
  /// The largest module in bytes. The compiler's memory grows with the module.
  static let largest = 8 << 20

  /// Checks a module's bytes.
  /// - Parameters:
  ///   - file: its name in messages.
  ///   - memory: the agent's limit in bytes.
  /// - Throws: `start-failed` with all errors, or `budget.memory`.
  static func check(_ bytes: [UInt8], file: String, memory cap: Int) throws(AgentFailure) {
    guard !bytes.isEmpty else { throw AgentFailure(.startFailed, "\(file): the file is empty") }
    guard bytes.count <= largest else {
      throw AgentFailure(.startFailed, "\(file) has \(bytes.count) bytes, more than the \(largest) a module may have")
    }
    let outline: ModuleOutline
    do throws(ModuleFault) {
      outline = try ModuleOutline(bytes)
    } catch {
      throw AgentFailure(.startFailed, "\(file): \(error)")
    }
    var wrong: [String] = []
    for wanted in outline.imports {
      guard let known = HostTable.signature(of: wanted.name) else {
        wrong.append("it imports '\(wanted.name)', which the host does not have; docs/wasm-abi.md lists the imports")
        continue
      }
      if known != wanted.signature {
        wrong.append("it imports '\(wanted.name)' as \(wanted.signature); it must be \(known)")
      }
    }
    for (name, signature) in ABI.requiredExports {
      guard let has = outline.functions[name] else {
        wrong.append("it does not export the function '\(name)'")
        continue
      }
      if has != signature { wrong.append("it exports '\(name)' as \(has); it must be \(signature)") }
    }
    for (name, signature) in ABI.optionalExports {
      if let has = outline.functions[name], has != signature {
        wrong.append("it exports '\(name)' as \(has); it must be \(signature)")
      }
    }
    if !outline.exportedMemories.contains(ABI.memory) || outline.memories.count != 1 {
      wrong.append("it must have one memory and export it as '\(ABI.memory)'")
    }
    guard wrong.isEmpty else {
      let more = wrong.count > 8 ? "; and \(wrong.count - 8) more" : ""
      throw AgentFailure(.startFailed, "\(file): \(wrong.prefix(8).joined(separator: "; "))\(more)")
    }
    if let first = outline.memories.first, first.initial > UInt64(cap / 65536) {
      throw AgentFailure(
        .memory,
        "\(file) starts with \(first.initial) pages of 64 KiB, and its budget is \(cap / 65536): raise budget.memory, "
          + "or link it with less")
    }
  }
}

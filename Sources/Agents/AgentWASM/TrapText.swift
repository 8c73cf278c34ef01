import Agent
import CWasmtime
import Model

/// Translates the engine's messages about traps.
enum TrapText {
  /// The failure of an activation.
  /// - Parameters:
  ///   - code: the engine's trap code; nil for traps of the host.
  ///   - text: the engine's message with its backtrace.
  static func failure(code: UInt8?, _ text: String, guest: Guest) -> AgentFailure {
    let place = function(in: text).map { " in '\($0)'" } ?? ""
    if let fault = guest.fault {
      switch fault {
      case .stopped: return AgentFailure(.killed, fault.description)
      case .tooManyCalls, .inOneGo: return AgentFailure(.calls, "\(fault)\(place)")
      case .late: return AgentFailure(.activation, "it took longer than \(guest.limits.activation.text)\(place)")
      default: return AgentFailure(.crash, "\(fault)\(place)")
      }
    }
    switch code.map(Int32.init) {
    case Int32(OPENSTARRY_TRAP_FUEL):
      let cure = guest.limits.fuel == nil ? "; with a budget.activation it has that time instead" : ""
      return AgentFailure(
        .instructions, "it used up the \(guest.limits.instructions) instructions of one activation\(place)\(cure)")
    case Int32(OPENSTARRY_TRAP_STACK): return AgentFailure(.crash, "its stack is used up\(place)")
    case Int32(OPENSTARRY_TRAP_UNREACHABLE) where guest.memorySize > guest.memoryLimit - 65536:
      return AgentFailure(.memory, "it used up the \(guest.memoryText)\(place)")
    default: return AgentFailure(.crash, "\(cause(in: text))\(place)")
    }
  }

  /// The wasm function at the top of the backtrace: `    0:    0x117 - agent.wasm!spin`.
  static func function(in text: String) -> String? {
    for line in text.split(separator: "\n") {
      guard let mark = line.firstIndex(of: "!"), line.holds(" - ") else { continue }
      return LogText.text(FunctionName.readable(String(line[line.index(after: mark)...])))
    }
    return nil
  }

  static func cause(in text: String) -> String {
    let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
    let cause = lines.last { !$0.isEmpty } ?? "trap"
    return LogText.text(String(cause.hasPrefix("wasm trap: ") ? cause.dropFirst(11) : cause))
  }
}

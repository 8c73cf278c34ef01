import Agent
import Linux
import Model
import ModuleKit
import Testing

@testable import AgentWASM

/// Runs guests without a driver, so that a test can make thousands of calls.
final class Lab {
  let host = RecordingHost()
  let clock = ManualClock()
  let quota = DescriptorQuota(256)
  var plugins: [PluginFolder] = []
  private let folder: String
  private let linker: HostLinker

  init(folder: String) throws {
    self.folder = folder
    linker = try HostLinker(Engine(try EngineLibrary(path: try #require(Workshop.engine))))
  }

  /// Compiles and loads a module.
  func prepare(_ module: [UInt8]) throws -> PreparedModule {
    return try PreparedModule(
      linker, Artefact(path: "\(folder)/lab.cwasm", code: try linker.engine.compile(module)))
  }

  /// An instance that is ready for calls.
  func guest(_ module: PreparedModule, _ limits: GuestLimits = GuestLimits()) throws -> Guest {
    let environment = GuestEnvironment(variables: ["A=1"], plugins: plugins, quota: quota)
    let guest = Guest(module, limits, host: host, clock: clock, environment)
    guest.refill()
    _ = try finish(guest) { guest.instantiate($0) }.get()
    guard guest.attach() else { throw AgentFailure(.startFailed, "no memory") }
    return guest
  }

  /// Calls an export without parameters.
  func call(_ guest: Guest, _ export: String, results: Int = 0) -> Result<Int32, AgentFailure> {
    guest.refill()
    return finish(guest) { guest.begin(export, [], results: results, $0) }
  }

  private func finish(
    _ guest: Guest, _ begin: (@escaping (Result<Int32, AgentFailure>) -> Void) -> Void
  ) -> Result<Int32, AgentFailure> {
    var result: Result<Int32, AgentFailure>?
    begin { result = $0 }
    while guest.step() == .more {}
    return result ?? .failure(AgentFailure(.stuck, "it waits for nothing"))
  }

  /// A module with an export `call <name>` for each entry, which reads its arguments from address `arguments`.
  static func caller(of entries: [HostTable.Entry]) -> [UInt8] {
    var builder = ModuleBuilder()
    let indices = entries.map { builder.importFunction($0.name, $0.signature) }
    builder.agent()
    for (entry, index) in zip(entries, indices) {
      var body: [UInt8] = []
      for (position, type) in entry.signature.parameters.enumerated() {
        body += ModuleBuilder.load(arguments + 8 * position, wide: type == UInt8(ascii: "I"))
      }
      body += ModuleBuilder.call(index)
      if entry.signature.results.isEmpty {
        body += ModuleBuilder.constant(0)
      } else if entry.signature.results == [UInt8(ascii: "I")] {
        body += ModuleBuilder.drop + ModuleBuilder.constant(0)
      }
      builder.function(">i", export: "call \(entry.name)", body)
    }
    return builder.bytes
  }

  /// The address of a call's arguments, eight bytes each.
  static let arguments = 1024

  /// Calls an import with these arguments.
  /// - Returns: its result, 0 when it has none.
  func call(_ guest: Guest, _ name: ImportName, _ arguments: [UInt64]) throws -> Result<Int32, AgentFailure> {
    for (position, value) in arguments.enumerated() {
      try guest.store(value, at: UInt32(Self.arguments + 8 * position))
    }
    return call(guest, "call \(name)", results: 1)
  }
}

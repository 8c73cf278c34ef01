import Agent
import Glibc
import Linux
import Model
import ModuleKit
import TestKit
import Testing

@testable import AgentWASM

/// Modules that are hostile before they run: too large, endless in the start function, malformed.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct ModuleAbuseTests {
  private func refusal(_ bench: GuestBench, _ module: [UInt8], budget: Budget = Budget()) throws -> AgentFailure? {
    let manifest = try bench.manifest(module, budget: budget)
    let result: Result<any AgentInstance, AgentFailure> = bench.wait {
      bench.driver.start(manifest, host: bench.host, ended: { _ in }, $0)
    }
    if case .failure(let failure) = result { return failure }
    return nil
  }

  private static var good: [UInt8] {
    var builder = ModuleBuilder()
    builder.agent()
    return builder.bytes
  }

  @Test func hugeModuleIsRefusedWithoutReadingIt() throws {
    let bench = try GuestBench()
    var builder = ModuleBuilder()
    builder.agent()
    // A custom section of zeros keeps the module valid; the file is sparse.
    builder.tail = [0] + ModuleBuilder.number(100 << 20) + [4, 0x6E, 0x61, 0x6D, 0x65]
    let manifest = try bench.manifest(builder.bytes)
    #expect(unsafe truncate("\(bench.folder)/agent.wasm", builder.bytes.count + (100 << 20) - 5) == 0)
    let refused = #expect(throws: AgentFailure.self) { try bench.driver.validate(manifest) }
    #expect(refused?.reason == .startFailed)
    #expect(refused?.message.contains("more than the 8388608 bytes") == true)
    #expect(bench.driver.compilations == 0)
  }

  @Test func emptyModuleIsCalledEmpty() throws {
    let bench = try GuestBench()
    let manifest = try bench.manifest([])
    let refused = #expect(throws: AgentFailure.self) { try bench.driver.validate(manifest) }
    #expect(refused?.message.hasSuffix("agent.wasm: the file is empty") == true, "\(String(describing: refused))")
  }

  @Test func endlessStartFunctionIsStopped() throws {
    var limits = GuestLimits()
    limits.fuel = 1_000_000
    let bench = try GuestBench(limits: limits)
    var builder = ModuleBuilder()
    builder.agent()
    builder.start = builder.function(">", ModuleBuilder.forever())
    #expect(try refusal(bench, builder.bytes)?.reason == .instructions)
    builder.start = builder.function(">", ModuleBuilder.trap)
    #expect(try refusal(bench, builder.bytes)?.reason == .crash)
    // Host calls are not possible during the start function, because the memory is not known yet.
    var caller = ModuleBuilder()
    let read = caller.importFunction(ImportName(module: "openstarry:hal/sensors@0.1.0", name: "read"), "iii>")
    caller.agent()
    caller.start = caller.function(
      ">", [0, 4, 4160].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(read))
    let early = try refusal(bench, caller.bytes)
    #expect(early?.message.contains("before it was instantiated") == true)
    #expect(try refusal(bench, Self.good) == nil)
  }

  @Test func dataBeyondTheBudgetIsRefused() throws {
    let bench = try GuestBench()
    var builder = ModuleBuilder()
    builder.agent()
    builder.memory = 65
    builder.data([1], at: 64 << 16)
    #expect(try refusal(bench, builder.bytes)?.reason == .memory)
    builder.memory = 65536
    #expect(try refusal(bench, builder.bytes)?.reason == .memory)
    // Data outside the declared memory.
    builder.memory = 1
    #expect(try refusal(bench, builder.bytes)?.reason == .crash)
    // Four megabytes of data, its whole limit.
    var large = ModuleBuilder()
    large.agent()
    large.memory = 64
    large.data([UInt8](repeating: 7, count: 3 << 20), at: 1 << 20)
    #expect(try refusal(bench, large.bytes) == nil)
  }

  @Test func unknownImportsAndWrongTypesAreRefused() throws {
    let bench = try GuestBench()
    for entry in HostTable.all {
      var builder = ModuleBuilder()
      let wrong = Signature(parameters: entry.signature.parameters + Array("i".utf8), results: entry.signature.results)
      _ = builder.importFunction(entry.name, wrong)
      _ = builder.importFunction(ImportName(module: entry.name.module, name: entry.name.name + "x"), ">")
      builder.agent()
      let bytes = builder.bytes
      let refused = #expect(throws: AgentFailure.self) {
        try ModuleCheck.check(bytes, file: "wrong", memory: 4 << 20)
      }
      #expect(refused?.message.contains("as \(wrong); it must be \(entry.signature)") == true)
      #expect(refused?.message.contains("\(entry.name)x', which the host does not have") == true)
    }
    #expect(try refusal(bench, Self.good) == nil)
  }

  /// Truncated modules and modules with flipped bits go through the whole path, including the compiler process.
  @Test func malformedModulesFailWithATypedReason() throws {
    var limits = GuestLimits()
    limits.fuel = 100_000
    let bench = try GuestBench(limits: limits)
    let module = Self.good
    var random = SeededGenerator(21)
    var refused = 0
    for round in 0..<60 {
      var broken = module
      if round % 3 == 0 {
        broken.removeLast(Int.random(in: 1..<broken.count, using: &random))
      } else {
        for _ in 0...round % 3 {
          let bit = Int.random(in: 64..<broken.count * 8, using: &random)
          broken[bit / 8] ^= 1 << UInt8(bit % 8)
        }
      }
      if let failure = try refusal(bench, broken) {
        refused += 1
        #expect([.startFailed, .memory, .crash, .instructions].contains(failure.reason), "\(failure)")
        #expect(!failure.message.contains("\n"))
      }
    }
    #expect(refused > 40)
    #expect(try refusal(bench, Self.good) == nil)
    #expect(try Files.names(in: bench.artefacts).allSatisfy { $0.hasSuffix(".cwasm") })
  }

  /// Compiled modules that are damaged on disk never run, wherever the damage is.
  @Test func damagedCompiledModulesAreRecompiled() throws {
    let bench = try GuestBench()
    #expect(try refusal(bench, Self.good) == nil)
    let name = try #require(try Files.names(in: bench.artefacts).first)
    let path = "\(bench.artefacts)/\(name)"
    let whole = try Files.read(path)
    var random = SeededGenerator(22)
    for round in 0..<20 {
      var broken = whole
      if round % 4 == 0 {
        broken.removeLast(Int.random(in: 1...broken.count, using: &random))
      } else {
        let bit = Int.random(in: 0..<broken.count * 8, using: &random)
        broken[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      try Files.replace(path, with: broken)
      bench.restart()
      #expect(try refusal(bench, Self.good) == nil)
      #expect(bench.driver.compilations == 1)
      #expect(try Files.read(path) == whole)
    }
    // A valid seal on code that the engine rejects, as from another library of the same size and modification time.
    let manifest = try bench.manifest(Self.good)
    let engine = Engine(try EngineLibrary(path: try #require(Workshop.engine)))
    let seal = Seal(module: Self.good, key: Engine.key(engine.library, engine.configuration))
    let code = [UInt8](repeating: 0x7F, count: 5000)
    let secret = try Files.read("\(bench.artefacts).key")
    try Files.replace(path, with: code + seal.bytes(code: SHA256.hash(code), secret: secret))
    bench.restart()
    let started: Result<any AgentInstance, AgentFailure> = bench.wait {
      bench.driver.start(manifest, host: bench.host, ended: { _ in }, $0)
    }
    #expect(bench.driver.compilations == 1)
    #expect(try Files.read(path) == whole)
    let instance = try started.get()
    let result: Result<Void, AgentFailure> = bench.wait { instance.activate(GuestBench.event, $0) }
    #expect(result.failure == nil)
  }
}

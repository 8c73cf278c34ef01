import Agent
import EventLoop
import Linux
import Model
import ModuleKit
import TestKit
import Testing

@testable import AgentWASM

/// While one guest is hostile, another agent of the same driver is served. Counted in turns of the loop, not in time.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct LatencyTests {
  enum Harm: CaseIterable {
    case loop, fill, reading, logging, emitting, receiving, growing

    /// The code that the handler repeats.
    func body(_ imports: (_ module: String, _ name: String, Signature) -> Int) -> [UInt8] {
      func arguments(_ values: [Int]) -> [UInt8] { values.flatMap { ModuleBuilder.constant($0) } }
      switch self {
      case .loop: return arguments([1]) + ModuleBuilder.drop
      // memory.fill, whose cost depends on its length.
      case .fill: return arguments([16384, 7, 2000]) + [0xFC, 0x0B, 0]
      case .reading:
        return arguments([0, 4, 4160]) + ModuleBuilder.call(imports("openstarry:hal/sensors", "read", "iii>"))
      case .logging:
        return arguments([6, 0, 64]) + ModuleBuilder.call(imports("openstarry:agent/log", "write", "iii>"))
      case .emitting:
        return arguments([64, 3, 0, 0, 4160]) + ModuleBuilder.call(imports("openstarry:agent/events", "emit", "iiiii>"))
      // A picture of 19,200 bytes per call.
      case .receiving:
        return arguments([0, 4, 160, 120, 4160])
          + ModuleBuilder.call(imports("openstarry:hal/cameras", "frame", "iiiii>"))
      case .growing: return arguments([1]) + [0x40, 0] + ModuleBuilder.drop
      }
    }

    var module: [UInt8] {
      var builder = ModuleBuilder()
      let body = body { builder.importFunction(ImportName(module: "\($0)@0.1.0", name: $1), $2) }
      builder.agent(handle: ModuleBuilder.forever(body) + ModuleBuilder.constant(2048))
      builder.data(Array("a:b".utf8), at: 64)
      return builder.bytes
    }
  }

  @Test(arguments: Harm.allCases) func otherAgentsAreServedMeanwhile(_ harm: Harm) throws {
    var limits = GuestLimits()
    limits.fuel = 200_000
    limits.slice = 2_000
    limits.calls = 1_000_000
    let bench = try GuestBench(limits: limits)
    var quiet = ModuleBuilder()
    quiet.agent()
    let other = try bench.start(module: quiet.bytes)
    let hostile = try bench.start(module: harm.module)
    var end: Result<Void, AgentFailure>?
    hostile.activate(GuestBench.event) { end = $0 }
    var served = 0
    while end == nil {
      let before = bench.loop.turns
      #expect(bench.activate(other) == nil)
      // It waits for at most one slice of the hostile guest.
      #expect(bench.loop.turns - before <= 2)
      served += 1
      bench.loop.turn(wait: false)
    }
    #expect(end?.failure?.reason == .instructions, "\(String(describing: end))")
    // About a hundred slices; a fill makes them longer, host calls shorter.
    #expect(served >= 15, "\(served)")
    #expect(bench.activate(other) == nil)
    // The flood ends at its limits.
    #expect(bench.host.log.count <= 101)
  }

  /// Code without a loop never checks its fuel, but the host's work for it is still limited.
  @Test(arguments: [("random_get", 4096, 512), ("write", 1 << 20, 512), ("write", 64, 512), ("set", 200_000, 2)])
  func hostWorkWithoutAYieldIsLimited(name: String, length: Int, most: Int) throws {
    let bench = try GuestBench()
    func instance(_ calls: Int) throws -> WASMInstance {
      var builder = ModuleBuilder()
      let (module, signature, arguments): (String, Signature, [Int]) =
        switch name {
        case "random_get": ("wasi_snapshot_preview1", "ii>i", [8192, length])
        case "set": ("openstarry:agent/state@0.1.0", "iiiii>", [64, 3, 8192, length, 4160])
        default: ("openstarry:agent/log@0.1.0", "iii>", [6, 8192, length])
        }
      let call = builder.importFunction(ImportName(module: module, name: name), signature)
      let body = arguments.flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(call)
      let one = body + (signature.results.isEmpty ? [] : ModuleBuilder.drop)
      builder.memory = 32
      builder.agent(
        handle: (0..<calls).flatMap { _ in one } + ModuleBuilder.constant(2048))
      return try bench.start(module: builder.bytes)
    }
    #expect(bench.activate(try instance(most)) == nil)
    let failure = bench.activate(try instance(most + 1))
    #expect(failure?.reason == .calls, "\(String(describing: failure))")
    #expect(failure?.message.contains("in one go") == true)
  }

  @Test func eventFloodEndsAtTheCallLimit() throws {
    let bench = try GuestBench()
    let hostile = try bench.start(module: Harm.emitting.module)
    let failure = bench.activate(hostile)
    #expect(failure?.reason == .calls)
    #expect(failure?.message.contains("more than 10000 times in one activation") == true)
    #expect(bench.host.emitted.count == 10_000)
  }

  /// The engine does not measure time in host calls: a long call ends the slice.
  @Test func longHostCallEndsTheSlice() throws {
    let bench = try GuestBench()
    let module = try Workshop.build(
      "HANDLE u32 handle(u32 e, u32 l) { for (int i = 0; i < 10; i++) sensor_read(LIT(\"temperature\"), P(&area)); return ok(); }",
      in: bench.folder)
    let instance = try bench.start(module: module)
    func turns() -> UInt64 {
      let before = bench.loop.turns
      #expect(bench.activate(instance) == nil)
      return UInt64(bench.loop.turns - before)
    }
    let short = turns()
    bench.host.onRead = { [clock = bench.clock] in clock.advance(by: .microseconds(300)) }
    #expect(turns() >= short + 9)
    #expect(instance.lastCost?.hostTime == 3_000_000)
  }

  /// The longest time that one slice holds the thread, for the documentation: a fill of a guest's whole memory.
  @Test func longestSliceIsMeasured() throws {
    let folder = try TemporaryFolder()
    let lab = try Lab(folder: folder.path)
    var builder = ModuleBuilder()
    builder.agent()
    builder.memory = 256
    builder.function(
      ">", export: "go", [1 << 16, 7, 255 << 16].flatMap { ModuleBuilder.constant($0) } + [0xFC, 0x0B, 0])
    builder.function(">", export: "spin", ModuleBuilder.forever())
    let module = try lab.prepare(builder.bytes)
    var limits = GuestLimits()
    limits.memory = 16 << 20
    let guest = try lab.guest(module, limits)
    var worst: [UInt64] = []
    for export in ["go", "go", "spin"] {
      guest.refill()
      guest.begin(export, [], results: 0) { _ in }
      var (more, longest) = (true, UInt64(0))
      while more {
        let before = System.monotonicNanoseconds()
        more = guest.step() == .more
        longest = max(longest, System.monotonicNanoseconds() - before)
        if export == "spin" && guest.usedFuel > 20_000_000 { guest.cancel() }
      }
      worst.append(longest / 1000)
    }
    print("worst slice: fill of 16 MiB \(worst[0]) µs at first, \(worst[1]) µs again; spinning \(worst[2]) µs")
    #expect(worst.count == 3)
  }
}

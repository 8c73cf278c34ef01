import Agent
import Linux
import Model
import ModuleKit
import TestKit
import Testing

@testable import AgentWASM

/// Every import of the table with hostile arguments. New imports in the table are covered automatically.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct ImportAbuseTests {
  private static let size: UInt64 = 65536
  /// A text that every import accepts, a valid result area, and bytes that are not UTF-8.
  private static let (text, area, noise): (UInt64, UInt64, UInt64) = (4096, 4160, 4224)
  private let bench: GuestBench
  private let lab: Lab

  init() throws {
    bench = try GuestBench()
    lab = try Lab(folder: bench.folder)
  }

  /// Pointers and lengths outside the memory: across its end, beyond it, and around 4 GiB.
  private static let outside: [(UInt64, UInt64)] = [
    (size - 1, 2), (size, 1), (size - 4, 5), (0xFFFF_FFFF, 1), (0xFFFF_FFFF, 0xFFFF_FFFF), (0xFFFF_FFF0, 0x20),
    (0, 0xFFFF_FFFF), (16, 0xFFFF_FFF0), (0x8000_0000, 1), (0x8000_0000, 0x8000_0000), (1, 0x7FFF_FFFF),
    (0, size + 1), (0x1_0000, 0xFFFF_0000),
  ]
  private static let badAreas: [UInt64] = [
    size - 12, size - 4, size, 0xFFFF_FFFC, 0xFFFF_FFF0, 0x8000_0000, 0x7FFF_FFFC, 4161, 4162, 4163, 0xFFFF_FFFF,
  ]

  private func guest(_ module: PreparedModule) throws -> Guest {
    let guest = try lab.guest(module)
    try guest.write(Array("\"on\"".utf8), at: UInt32(Self.text))
    try guest.write([0xC0, 0x80, 0xFF, 0xFE], at: UInt32(Self.noise))
    return guest
  }

  private var isUntouched: Bool {
    lab.host.commands.isEmpty && lab.host.emitted.isEmpty && lab.host.kept.isEmpty && lab.host.log.isEmpty
  }

  @Test func pointersOutsideTheMemoryAreRefused() throws {
    let contract = try Contract()
    let entries = HostTable.own
    let module = try lab.prepare(Lab.caller(of: entries))
    var cases = 0
    for entry in entries {
      let function = try #require(contract.imports.first { $0.name == entry.name.description })
      let good: [[UInt64]] = function.parameters.map { $0 == .text ? [Self.text, 4] : [1] }
      func refused(_ arguments: [[UInt64]], area: UInt64 = Self.area, _ why: String) throws {
        let flat =
          arguments.flatMap { $0 } + (entry.signature.parameters.count > arguments.joined().count ? [area] : [])
        #expect(flat.count == entry.signature.parameters.count)
        let result = try lab.call(try guest(module), entry.name, flat)
        cases += 1
        guard case .failure(let failure) = result else {
          Issue.record("\(entry.name) took \(flat)")
          return
        }
        #expect(failure.reason == .crash && failure.message.contains(why), "\(entry.name) \(flat): \(failure)")
        #expect(isUntouched, "\(entry.name) \(flat)")
      }
      for (position, kind) in function.parameters.enumerated() where kind == .text {
        for (place, length) in Self.outside {
          var arguments = good
          arguments[position] = [place, length]
          try refused(arguments, "it passed")
        }
        // The log repairs invalid UTF-8; every other import refuses it.
        if function.result != nil {
          var arguments = good
          arguments[position] = [Self.noise, 4]
          try refused(arguments, "not UTF-8")
        }
      }
      guard function.isFallible else { continue }
      for area in Self.badAreas { try refused(good, area: area, "it ") }
    }
    #expect(cases > 200)
    // The same imports with valid arguments.
    for entry in entries {
      let function = try #require(contract.imports.first { $0.name == entry.name.description })
      let values: [[UInt64]] = function.parameters.map { $0 == .text ? [Self.text, 4] : [1] }
      let good = values.flatMap { $0 } + (function.isFallible ? [Self.area] : [])
      #expect(throws: Never.self) { _ = try lab.call(try guest(module), entry.name, good).get() }
    }
  }

  /// Calls of all imports, including WASI, with arguments from a seeded generator: each gives a result or a typed
  /// failure.
  @Test func randomArgumentsNeverEndTheDaemon() throws {
    let plugin = "\(bench.folder)/plugin"
    try Files.makeFolder("\(plugin)/sub")
    try Files.replace("\(plugin)/file", with: Array("text".utf8))
    lab.plugins = [PluginFolder(name: "/plugins/p", path: plugin)]
    let entries = HostTable.all
    let module = try lab.prepare(Lab.caller(of: entries))
    var random = SeededGenerator(11)
    let values: [UInt64] = [
      0, 1, 2, 3, 4, 5, 8, 16, 24, 63, 64, 65, 255, 4096, 4160, 4224, 8192, 65528, 65535, 65536, 65537, 0x10_0000,
      0x7FFF_FFFF, 0x8000_0000, 0xFFFF_0000, 0xFFFF_FFF0, 0xFFFF_FFFC, 0xFFFF_FFFF, UInt64(Int64.max), UInt64.max,
    ]
    var guest = try self.guest(module)
    var ended: [ExitReason: Int] = [:]
    for entry in entries {
      for _ in 0..<150 {
        let arguments = entry.signature.parameters.map { _ in values.randomElement(using: &random) ?? 0 }
        if case .failure(let failure) = try lab.call(guest, entry.name, arguments) {
          ended[failure.reason, default: 0] += 1
          #expect(failure.reason == .crash, "\(entry.name) \(arguments): \(failure)")
          guest = try self.guest(module)
        }
      }
    }
    #expect(ended[.crash, default: 0] > 1000)
    guest = try self.guest(module)
    #expect(lab.quota.used == 0)
  }

  @Test func askingWithoutPermissionDoesNotEndTheDaemon() throws {
    var builder = ModuleBuilder()
    let complete = builder.importFunction(
      ImportName(module: "openstarry:agent/model@0.1.0", name: "complete"), "iiiiii>")
    let ask = [64, 1, 64, 0, 0, 4160].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(complete)
    builder.data(Array("x".utf8), at: 64)
    builder.agent(handle: ask + ModuleBuilder.constant(2048))
    #expect(bench.activate(try bench.start(module: builder.bytes)) == nil)
    // The allocator, which provides the event's buffer, must not call the import.
    var hostile = ModuleBuilder()
    let again = hostile.importFunction(
      ImportName(module: "openstarry:agent/model@0.1.0", name: "complete"), "iiiiii>")
    let call = [64, 1, 64, 0, 0, 4160].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(again)
    hostile.data(Array("x".utf8), at: 64)
    hostile.agent(handle: ModuleBuilder.constant(2048), room: call + ModuleBuilder.constant(8192))
    let failure = bench.activate(try bench.start(module: hostile.bytes))
    #expect(failure?.message.contains("from within cabi_realloc") == true, "\(String(describing: failure))")
  }

  /// The allocator asks the model again while the answer is copied into the guest. The engine aborted the process when
  /// such a call was an asynchronous one.
  @Test func askingFromTheAllocatorDoesNotEndTheDaemon() throws {
    let gateway = SlowGateway()
    bench.host.gateway = gateway
    bench.mayAsk = true
    for isQuick in [true, false] {
      gateway.isQuick = isQuick
      var builder = ModuleBuilder()
      let complete = builder.importFunction(
        ImportName(module: "openstarry:agent/model@0.1.0", name: "complete"), "iiiiii>")
      let ask = [64, 1, 64, 0, 0, 4160].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(complete)
      builder.data(Array("x".utf8), at: 64)
      builder.agent(handle: ask + ModuleBuilder.constant(2048), room: ask + ModuleBuilder.constant(8192))
      let instance = try bench.start(module: builder.bytes)
      var end: Result<Void, AgentFailure>?
      instance.activate(GuestBench.event) { end = $0 }
      while end == nil {
        gateway.answer(.success(ModelAnswer(text: "so")))
        bench.loop.turn(wait: false)
      }
      #expect(end?.failure?.message.contains("from within cabi_realloc") == true, "\(String(describing: end))")
    }
  }

  /// Agents cannot import the host's internal functions.
  @Test func hostInternalFunctionsCannotBeImported() throws {
    var builder = ModuleBuilder()
    _ = builder.importFunction(SuspensionModule.question, SuspensionModule.signature)
    builder.agent()
    let module = builder.bytes
    let refusal = #expect(throws: AgentFailure.self) { try ModuleCheck.check(module, file: "m", memory: 4 << 20) }
    #expect(refusal?.message.contains("openstarry:host#asleep', which the host does not have") == true)
  }

  /// The allocator's result is untrusted, and the allocator must not call any import.
  @Test func allocatorResultsAreChecked() throws {
    for place in [-1, -16, 65535, 0x7FFF_FFFF, -0x8000_0000] {
      var builder = ModuleBuilder()
      let read = builder.importFunction(
        ImportName(module: "openstarry:hal/sensors@0.1.0", name: "read"), "iii>")
      builder.agent(room: ModuleBuilder.constant(place))
      builder.function(
        ">", export: "go", [4096, 4, 4160].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(read))
      let result = lab.call(try lab.guest(try lab.prepare(builder.bytes)), "go")
      #expect(result.failureText.contains("outside its memory"), "\(place)")
    }
    for entry in HostTable.all {
      var builder = ModuleBuilder()
      let read = builder.importFunction(
        ImportName(module: "openstarry:hal/sensors@0.1.0", name: "read"), "iii>")
      let other = builder.importFunction(entry.name, entry.signature)
      var room = entry.signature.parameters.flatMap { type in
        type == UInt8(ascii: "I") ? [0x42, 0] as [UInt8] : ModuleBuilder.constant(4096)
      }
      room += ModuleBuilder.call(other)
      if !entry.signature.results.isEmpty { room += ModuleBuilder.drop }
      builder.agent(room: room + ModuleBuilder.constant(8192))
      builder.function(
        ">", export: "go", [4096, 4, 4160].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(read))
      let result = lab.call(try lab.guest(try lab.prepare(builder.bytes)), "go")
      #expect(result.failureText.contains("from within cabi_realloc"), "\(entry.name): \(result)")
      #expect(isUntouched)
    }
  }
}

extension Result where Failure == AgentFailure {
  /// The failure; empty for a success.
  var failureText: String { if case .failure(let failure) = self { failure.description } else { "" } }
}

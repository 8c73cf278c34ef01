import Linux
import ModuleKit
import TestKit
import Testing

@testable import AgentWASM

/// Ten thousand hostile activations use no more memory and descriptors than the first thousand.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct RepetitionTests {
  enum Harm: String, CaseIterable {
    case trap, spin, recursion, growth, throughTheHost, sleep, nothing

    var module: [UInt8] {
      var builder = ModuleBuilder()
      let read = builder.importFunction(ImportName(module: "openstarry:hal/sensors@0.1.0", name: "read"), "iii>")
      let ask = builder.importFunction(ImportName(module: "openstarry:agent/model@0.1.0", name: "complete"), "iiiiii>")
      func arguments(_ values: [Int]) -> [UInt8] { values.flatMap { ModuleBuilder.constant($0) } }
      switch self {
      case .nothing: builder.agent()
      case .trap: builder.agent(handle: ModuleBuilder.trap)
      case .spin: builder.agent(handle: ModuleBuilder.forever() + ModuleBuilder.constant(2048))
      // The handler is the function after the imports.
      case .recursion: builder.agent(handle: arguments([0, 0]) + ModuleBuilder.call(2))
      // memory.grow by one page, then a write to that page.
      case .growth:
        builder.agent(
          handle: ModuleBuilder.forever(
            arguments([1]) + [0x40, 0] + ModuleBuilder.drop + [0x3F, 0] + arguments([16]) + [0x74] + arguments([4])
              + [0x6B] + arguments([7]) + [0x36, 2, 0]) + arguments([2048]))
      case .throughTheHost:
        builder.agent(handle: arguments([-1, -1, -1]) + ModuleBuilder.call(read) + arguments([2048]))
      case .sleep:
        builder.agent(handle: arguments([0, 4, 0, 4, 0, 4160]) + ModuleBuilder.call(ask) + arguments([2048]))
      }
      return builder.bytes
    }
  }

  /// Runs the rounds in a process of their own.
  /// - Returns: the resources used after a tenth and after all rounds, and the number of failures.
  private func run(_ harm: Harm, rounds: Int, end: String) throws -> (early: [Int], late: [Int], failures: Int) {
    let place = try TemporaryFolder()
    let folder = place.path
    try Files.replace("\(folder)/agent.wasm", with: harm.module)
    let child = try Spawn.start(
      "/bin/sh",
      [
        "sh", "-c", "exec \"$0\" repeat \"$1\" \"$2\" \"$3\" >\"$1/output\"", Workshop.compiler, folder, "\(rounds)",
        end,
      ])
    let status = try Spawn.wait(for: child)
    let lines = String(decoding: try Files.read("\(folder)/output"), as: UTF8.self).split(separator: "\n")
    #expect(status == 0, "\(lines)")
    try #require(lines.count == 3)
    let numbers = lines.map { $0.split(separator: " ").map { Int($0) ?? 0 } }
    return (numbers[0], numbers[1], numbers[2][0])
  }

  @Test(arguments: Harm.allCases) func nothingLeaks(_ harm: Harm) throws {
    let end = harm == .sleep ? "stop" : harm == .nothing ? "fresh" : "fail"
    let (early, late, failures) = try run(harm, rounds: 10_000, end: end)
    #expect(failures == (harm == .nothing ? 0 : 10_001))
    // Less than 64 bytes per round; an instance reserves 17 MiB of address space.
    #expect(late[0] - early[0] < 600_000, "resident: \(early[0]) to \(late[0])")
    #expect(late[1] - early[1] < 8 << 20, "addresses: \(early[1]) to \(late[1])")
    #expect(late[2] == early[2], "descriptors: \(early[2]) to \(late[2])")
  }

  /// The cost of one more instance that waits for a model: its stack, the touched pages of its memory, and little else.
  @Test func thousandWaitingInstancesAreSmall() throws {
    let (early, late, failures) = try run(.sleep, rounds: 1000, end: "keep")
    let each = (late[0] - early[0]) / 900
    print("a waiting agent: \(each) bytes resident")
    #expect(failures == 0 && each < 40 << 10, "\(each)")
    #expect(late[2] == early[2])
  }
}

import AgentWASM
import Linux
import Model
import TestKit
import Testing

@testable import FaultKit

/// Provides no folders, so that nothing is stored and runs test everything else.
private final class NoFolders: FolderMaker {
  func disk(_ seed: UInt64) -> Disk { Disk(seed: seed, folder: "/proc/no-such-folder", isStrict: true) }
  var runtime: String? { nil }
  var memory: Disk? { nil }
  func powerGoes() {}
  func show(_ disk: Disk, _ life: Int) { _ = disk.appear(at: "/proc/no-such-folder") }
}

/// Locates the WebAssembly engine and the program that compiles modules.
private enum Engine {
  static let isThere: Bool = {
    if EngineLibrary.find() != nil { return true }
    print("skipped: no WASM engine in \(EngineLibrary.places().joined(separator: ", ")): run .ci/wasmtime")
    return false
  }()

  /// The path of `wasm-compiler`, which is built with the tests.
  static var compiler: String {
    let maps = (try? Files.read("/proc/self/maps")) ?? []
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") where line.holds("xctest") {
      guard let slash = line.firstIndex(of: "/") else { continue }
      let path = Files.join(Files.folder(of: String(line[slash...])), "wasm-compiler")
      if Files.isFile(path) { return path }
    }
    return "wasm-compiler"
  }
}

@Suite struct CampaignTests {
  @Test func plansDependOnlyOnTheirSeeds() {
    let plans = (0..<500 as Range<UInt64>).map(Plan.init)
    #expect(Set(plans.map(\.faults)).count > 490)
    #expect(plans[7].faults == Plan(seed: 7).faults)
    #expect(Set(plans.flatMap(\.faults).map(\.kind)) == Set(Fault.Kind.allCases))
    let pairs = plans.filter { plan in zip(plan.faults, plan.faults.dropFirst()).contains { $0.at == $1.at } }
    #expect(pairs.count > 100)
  }

  @Test(.enabled(if: Engine.isThere)) func wasmAgentsTakePartInARun() throws {
    let folder = try TemporaryFolder()
    let engine = try GuestEngine(folder: folder.path, compiler: Engine.compiler)
    var plan = Plan(seed: 3)
    plan.faults = [.agentCrashes, .agentHangs, .agentStorms].enumerated().map { number, kind in
      Fault(kind: kind, at: .seconds(2 + 2 * number), length: .seconds(1), target: 0)
    }
    // The first run compiles the modules.
    _ = Campaign.run(plan, NoFolders(), engine)
    let result = Campaign.run(plan, NoFolders(), engine)
    #expect(result.violations == [])
    for end in ["dawdler budget.activation", "spinner limit.instructions", "thrower crash.signal"] {
      #expect(result.guestEnds[end] == 1, "\(result.guestEnds)")
    }
    #expect(Campaign.run(plan, NoFolders(), engine).digest == result.digest)
  }

  @Test func shrinkingKeepsOnlyNecessaryFaults() {
    var plan = Plan(seed: 1)
    plan.faults = Fault.Kind.allCases.map { Fault(kind: $0, at: .seconds(1), length: .seconds(1), target: 0) }
    let needed: Set<Fault.Kind> = [.diskFull, .daemonKilled]
    let smallest = Campaign.shrink(plan) { needed.isSubset(of: $0.faults.map(\.kind)) }
    #expect(smallest.faults.map(\.kind) == [.diskFull, .daemonKilled])
  }

  @Test func runsAreDeterministic() {
    let plan = Plan(seed: 3)
    let first = Campaign.run(plan, NoFolders(), nil)
    #expect(first.violations == [])
    #expect(first.checks > 1000)
    #expect(Campaign.run(plan, NoFolders(), nil).digest == first.digest)
    #expect(Campaign.run(Plan(seed: 4), NoFolders(), nil).digest != first.digest)
  }

  /// The violations of short runs with these faults, for several seeds.
  private func violations(_ faults: [Fault], seeds: Range<UInt64> = 0..<3) -> [Violation] {
    seeds.flatMap { seed in
      var plan = Plan(seed: seed)
      (plan.faults, plan.length) = (faults, .seconds(10))
      return Campaign.run(plan, NoFolders(), nil).violations
    }
  }

  private func fault(_ kind: Fault.Kind, at milliseconds: Int, for length: Int = 1000, _ target: Int = 0) -> Fault {
    Fault(kind: kind, at: .milliseconds(milliseconds), length: .milliseconds(length), target: target)
  }

  /// systemd's watchdog is off during a start: `TimeoutStartSec` ends a start that hangs.
  @Test(arguments: [1, 9000]) func hungStartIsKilledAfterItsTimeout(_ slow: Int) {
    let faults = [fault(.daemonKilled, at: 5000), fault(.diskSlow, at: 5000, for: slow), fault(.daemonHangs, at: 5500)]
    #expect(violations(faults) == [])
  }

  /// After a long sleep the start and the hang are due at the same time.
  @Test func startThatHangsRightAfterASleep() {
    let faults = [
      fault(.daemonKilled, at: 5000), fault(.suspended, at: 5100, for: 9000, 30), fault(.daemonHangs, at: 9000),
    ]
    #expect(violations(faults) == [])
  }

  @Test(arguments: [Fault.Kind.startKilled, .startHangs]) func startFailsAtEachOfItsSteps(_ kind: Fault.Kind) {
    for step in 0..<10 {
      #expect(violations([fault(kind, at: 5000, step)], seeds: UInt64(step)..<UInt64(step) + 1) == [])
    }
  }

  /// The guardian ends the leases of a shutdown that hangs; released outputs stay as they are until the next start.
  @Test(arguments: [1, 30, 300]) func shutdownThatHangs(_ delay: Int) {
    let faults = [
      fault(.restart, at: 5000), fault(.diskSlow, at: 5000, for: 9000), fault(.daemonHangs, at: 5000 + delay),
    ]
    #expect(violations(faults) == [])
  }
}

import Model
import Testing

@testable import FaultKit

/// Disks without files: what daemons write is kept by nobody, so that these runs are about everything else.
private final class NoFolders: FolderMaker {
  func disk(_ seed: UInt64) -> Disk { Disk(seed: seed, folder: "/proc/no-such-folder", isStrict: true) }
  var runtime: String? { nil }
  func powerGoes() {}
  func show(_ disk: Disk, _ life: Int) { _ = disk.appear(at: "/proc/no-such-folder") }
}

@Suite struct CampaignTests {
  @Test func plansDifferAndAreTheirSeeds() {
    let plans = (0..<500 as Range<UInt64>).map(Plan.init)
    #expect(Set(plans.map(\.faults)).count > 490)
    #expect(plans[7].faults == Plan(seed: 7).faults)
    #expect(Set(plans.flatMap(\.faults).map(\.kind)) == Set(Fault.Kind.allCases))
    let pairs = plans.filter { plan in zip(plan.faults, plan.faults.dropFirst()).contains { $0.at == $1.at } }
    #expect(pairs.count > 100)
  }

  @Test func shrinkingLeavesOnlyWhatIsNeeded() {
    var plan = Plan(seed: 1)
    plan.faults = Fault.Kind.allCases.map { Fault(kind: $0, at: .seconds(1), length: .seconds(1), target: 0) }
    let needed: Set<Fault.Kind> = [.diskFull, .daemonKilled]
    let smallest = Campaign.shrink(plan) { needed.isSubset(of: $0.faults.map(\.kind)) }
    #expect(smallest.faults.map(\.kind) == [.diskFull, .daemonKilled])
  }

  @Test func aRunIsNothingButItsPlan() {
    let plan = Plan(seed: 3)
    let first = Campaign.run(plan, NoFolders(), nil)
    #expect(first.violations == [])
    #expect(first.checks > 1000)
    #expect(Campaign.run(plan, NoFolders(), nil).digest == first.digest)
    #expect(Campaign.run(Plan(seed: 4), NoFolders(), nil).digest != first.digest)
  }
}

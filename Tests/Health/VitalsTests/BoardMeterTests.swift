import Agent
import Model
import TestKit
import Testing

@testable import Vitals

/// The usage of the whole daemon, measured in folders that stand for machines, with a manual clock.
@Suite struct BoardMeterTests {
  private let clock = ManualClock()
  private let service = "sys/fs/cgroup/\(CgroupTree.service)"

  private func look(_ tree: CgroupTree, _ budget: Budget = Budget(), guardian: Int32? = 52) -> (
    cpu: BoardMeasurement?, memory: BoardMeasurement?, meter: BoardMeter
  ) {
    let meter = BoardMeter(budget, clock: clock, root: tree.root)
    meter.guardian = { guardian }
    var found: [BoardMeasurement] = []
    meter.onMeasured = { found.append($0) }
    meter.look()
    return (found.first { $0.resource == .cpu }, found.first { $0.resource == .memory }, meter)
  }

  @Test func aServiceIsMeasuredByItsGroup() throws {
    let tree = try CgroupTree.debian()
    let seen = look(tree)
    #expect(seen.memory?.amount == 5_000_000 && seen.memory?.meter == .group)
    #expect(seen.memory?.enforcement == .notEnforced("there is no limit") && seen.cpu?.meter == .group)
    #expect(seen.meter.status["tasks"] == 3 && seen.meter.status["throttled"] == "12 times, 300ms")
    #expect(seen.meter.status["killed_for_memory"] == 1 && seen.meter.notice == nil)
  }

  @Test func whatTheKernelHoldsIsSaid() throws {
    let tree = try CgroupTree.debian()
    try tree.write("\(service)/memory.max", "67108864\n")
    #expect(look(tree).memory?.enforcement == .enforced && look(tree).memory?.kernelLimit == 67_108_864)
    #expect(look(tree, Budget(memory: 64 << 20)).memory?.enforcement == .enforced)
    let tighter = look(tree, Budget(memory: 32 << 20)).memory?.enforcement
    #expect(
      tighter == .afterwards("the daemon looks every 10s, and stops agents: the kernel's limit is higher, 64 MiB"))
    try tree.write("\(service)/memory.max", "max\n")
    #expect(look(tree, Budget(memory: 1)).memory?.enforcement.reason?.hasSuffix(": no memory.max is set") == true)
    try tree.write("\(service)/memory.high", "1000000\n")
    let high = look(tree, Budget(memory: 1)).memory?.enforcement.reason
    #expect(high?.contains("from 976.6 KiB on (memory.high)") == true)
  }

  @Test func aQuotaOfProcessorTimeIsSaid() throws {
    let tree = try CgroupTree.debian()
    #expect(look(tree).cpu?.enforcement == .notEnforced("there is no limit"))
    #expect(look(tree, Budget(cpu: 0.5)).cpu?.enforcement.name == "afterwards")
    try tree.write("\(service)/cpu.max", "50000 100000\n")
    #expect(look(tree, Budget(cpu: 0.5)).cpu?.enforcement == .enforced)
    #expect(look(tree).cpu?.kernelLimit == 5_000_000_000)
    #expect(look(tree, Budget(cpu: 0.4)).cpu?.enforcement.name == "afterwards")
  }

  @Test func withoutTheMemoryControllerTheProcessesAreMeasured() throws {
    let tree = try CgroupTree.raspberryPi()
    let seen = look(tree, Budget(memory: 8 << 20))
    #expect(seen.memory?.amount == 3200 << 10 && seen.memory?.meter == .pss && seen.cpu?.meter == .group)
    #expect(seen.memory?.enforcement.name == "afterwards")
    #expect(seen.memory?.enforcement.reason?.contains("cgroup_disable=memory; on a Raspberry Pi add") == true)
    #expect(look(tree, guardian: nil).memory?.amount == 3000 << 10)
    #expect(seen.meter.notice == nil, "nobody has asked the kernel for it")
    seen.meter.looksByItself = { false }
    var reason: String?
    seen.meter.onMeasured = { reason = $0.enforcement.reason }
    seen.meter.look()
    #expect(reason?.hasPrefix("the daemon, which nobody watches, looks only while its threads work") == true)
  }

  @Test func aUnitsLimitThatTheKernelCannotHoldIsSaidAndHeld() throws {
    let tree = try CgroupTree.raspberryPi()
    try tree.write("usr/lib/systemd/system/openstarryd.service", "[Service]\nMemoryMax=1G\n")
    #expect(look(tree).meter.memoryBudget == 1 << 30)
    let dropIn = "etc/systemd/system/openstarryd.service.d/50-limit.conf"
    try tree.write(dropIn, "[Service]\n MemoryMax = 4M \n#MemoryMax=1\n")
    let seen = look(tree, Budget(memory: 8 << 20))
    #expect(seen.meter.memoryBudget == 4 << 20 && seen.meter.looseLimit?.value == "4M")
    #expect(
      seen.meter.notice?.hasPrefix("MemoryMax=4M of \(tree.root)/\(dropIn) is not enforced: the kernel's") == true)
    #expect(seen.memory?.enforcement.name == "afterwards")
    // A drop-in of the same name in /run does not count; one that sorts later does.
    try tree.write("run/systemd/system/openstarryd.service.d/50-limit.conf", "[Service]\nMemoryMax=1M\n")
    #expect(look(tree).meter.memoryBudget == 4 << 20)
    try tree.write("run/systemd/system/openstarryd.service.d/60-limit.conf", "[Service]\nMemoryMax=10%\n")
    let share = look(tree)
    #expect(share.meter.memoryBudget == nil && share.meter.looseLimit?.value == "10%")
    #expect(share.meter.notice?.hasSuffix("give budget.memory in openstarry.yaml") == true)
    try tree.write("run/systemd/system/openstarryd.service.d/70-limit.conf", "[Service]\nMemoryMax=infinity\n")
    #expect(look(tree).meter.notice == nil)
  }

  @Test func whereTheKernelCanHoldItNoFileIsAsked() throws {
    for tree in [try CgroupTree.debian(), try .hybrid()] {
      try tree.write("etc/systemd/system/openstarryd.service", "[Service]\nMemoryMax=4M\n")
      #expect(look(tree).meter.notice == nil && look(tree).meter.memoryBudget == nil)
    }
  }

  @Test func otherMachinesAreMeasuredByTheirProcesses() throws {
    let hybrid = look(try .hybrid(), Budget(memory: 8 << 20))
    #expect(hybrid.memory?.meter == .pss && hybrid.cpu?.meter == .group)
    #expect(hybrid.memory?.enforcement.reason?.contains("version 1 of control groups has the memory") == true)
    let root = look(try .rootGroup(), Budget(memory: 8 << 20))
    #expect(root.memory?.meter == .pss && root.cpu?.meter == .process)
    #expect(root.memory?.enforcement.reason?.contains("root control group") == true)
    #expect(root.meter.status.string?.contains("root control group") == true)
    let none = look(try CgroupTree(group: "", mounts: ""), Budget(memory: 8 << 20))
    #expect(none.memory?.meter == .pss && none.memory?.enforcement.reason?.contains("no control groups") == true)
    #expect(look(try .container()).memory?.meter == .group)
  }

  @Test func aShellInTheGroupMakesItSomebodyElses() throws {
    let tree = try CgroupTree.debian()
    try tree.write("\(service)/cgroup.procs", "51\n52\n60\n")
    let seen = look(tree)
    #expect(seen.memory?.meter == .pss && seen.cpu?.meter == .process)
    #expect(seen.meter.status.string == "its control group /\(CgroupTree.service) has others in it")
    try tree.write("\(service)/cgroup.procs", "51\n77\n")
    #expect(look(tree).memory?.meter == .pss, "one that cannot be seen may be anybody")
  }

  @Test func processorTimeIsTheMeanOfTheLastStretch() throws {
    let tree = try CgroupTree.debian()
    let meter = BoardMeter(Budget(cpu: 0.5), clock: clock, root: tree.root)
    var seen: [Int64] = []
    meter.onMeasured = { if $0.resource == .cpu { seen.append($0.amount / 1_000_000) } }
    func use(_ milliseconds: Int, after seconds: Double) throws {
      clock.advance(by: .seconds(seconds))
      try tree.write("\(service)/cpu.stat", "usage_usec \((2500 + milliseconds) * 1000)\n")
      meter.beat()
    }
    try use(100, after: 5)
    #expect(seen.isEmpty, "not sooner than ten seconds after the last")
    meter.look()
    #expect(seen == [100], "whoever asks is told what was used so far")
    try use(2000, after: 5)
    #expect(seen == [100], "five seconds after somebody has asked")
    try use(3000, after: 5)
    #expect(seen == [100, 2000], "three seconds in fifteen")
    try use(3000, after: 10)
    #expect(seen == [100, 2000, 0])
    // Another counter: the group was made again.
    try use(-1000, after: 10)
    #expect(seen.last == 0)
  }

  @Test func nobodyLooksWithoutABudget() throws {
    let meter = BoardMeter(Budget(), clock: clock, root: try CgroupTree.debian().root)
    meter.onMeasured = { _ in Issue.record("it looked") }
    clock.advance(by: .seconds(60))
    meter.beat()
  }

  @Test func tooMuchMemoryStopsAgentsAndTheyComeBack() throws {
    let tree = try CgroupTree.debian()
    let world = try PressureWorld(["cpu": 0], budget: Budget(memory: 8_000_000), on: tree)
    func beat(_ bytes: Int) throws {
      try tree.write("\(service)/memory.current", "\(bytes + 5_000_000)\n")
      world.clock.advance(by: .seconds(10))
      world.watch.beat()
    }
    try beat(4_000_000)
    #expect(world.running == ["guard", "logger", "radio"] && world.clock.waiting == 0)
    try beat(7_000_000)
    #expect(world.running.count == 3 && world.events.contains { $0.type == "budget:warning" })
    try beat(8_100_000)
    #expect(world.running == ["guard", "radio"])
    #expect(try world.agents.agentStatus("logger").lastExit == .pressure)
    #expect(world.watch.status["over_budget"] == ["memory"])
    // From here on it measures by itself.
    world.clock.advance(by: .seconds(10))
    #expect(world.running == ["guard"])
    world.clock.advance(by: .seconds(60))
    #expect(world.running == ["guard"], "the critical one stays")
    let exceeded = world.events.filter { $0.type == "budget:exceeded" }
    #expect(exceeded.count == 1 && exceeded.first?["meter"] == "cgroup" && exceeded.first?["agent"] == nil)
    try tree.write("\(service)/memory.current", "9000000\n")
    world.clock.advance(by: .seconds(30))
    #expect(world.running == ["guard", "logger", "radio"])
    world.clock.advance(by: .seconds(20))
    #expect(world.clock.waiting == 0, "at rest it looks nowhere")
    #expect(world.events.contains { $0.type == "budget:recovered" })
  }
}

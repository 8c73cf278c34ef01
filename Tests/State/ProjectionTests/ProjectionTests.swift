import Agent
import HAL
import HALSimulated
import HALTestKit
import Model
import RuleTestKit
import Rules
import Testing

@testable import Projection

@Suite struct ProjectionTests {
  let clock = ManualClock()
  let agents = SlowAgents("a", "b")
  let rules = OneRule()
  let events = CountedEvents()
  let hardware: Hardware
  let projection: Projection

  init() {
    let board = Board(
      name: "test", backend: .simulated,
      devices: [Device(id: "lamp", kind: .actuator(ActuatorSettings(lease: .seconds(60))), driver: "simulated")])
    hardware = Hardware(
      board: board, backend: SimulatedBackend(board: board, clock: clock, seed: 1), clock: clock, events: events)
    hardware.open()
    projection = Projection(agents: agents, hardware: hardware, rules: rules, events: events, clock: clock)
  }

  /// Collects the trees.
  private final class Trees {
    var all: [Fields] = []
    var last: Value? { all.last.map(Value.map) }
  }

  private func read() -> Trees {
    let trees = Trees()
    projection.read { trees.all.append($0) }
    return trees
  }

  @Test func aSilentAgentDelaysTheTreeUntilTheDeadlineAtMost() {
    agents.prompt = ["b"]
    let trees = read()
    clock.advance(by: .milliseconds(999))
    #expect(trees.all.isEmpty)
    clock.advance(by: .milliseconds(1))
    #expect(trees.all.count == 1)
    let mute = trees.last?["agents"]?["a"]
    #expect(mute?["report"] == [:] && mute?["report_late"] == true && mute?["report_age_ms"] == .null)
    let prompt = trees.last?["agents"]?["b"]
    #expect(prompt?["report"] == ["prompt": true] && prompt?["report_late"] == false)
    #expect(prompt?["report_age_ms"] == 1000)
    // A late answer becomes the last report, but `done` is called only once.
    agents.answer("a", ["n": 1])
    #expect(trees.all.count == 1)
  }

  @Test func aDeviceHasItsNameOnlyIfThereIsOne() {
    let status = DeviceStatus(id: "soil", name: "Erdfeuchte", kind: "sensor", driver: "iio", state: "41 %")
    #expect(status.fields(at: clock.now)["name"] == "Erdfeuchte")
    #expect(hardware.device("lamp")?.fields(at: clock.now)["name"] == nil)
  }

  @Test func aLateReportKeepsItsAge() {
    let first = read()
    agents.answer("a", ["n": 1])
    agents.answer("b", ["n": 1])
    #expect(first.last?["agents"]?["a"]?["report_age_ms"] == 0)
    clock.advance(by: .seconds(10))
    let second = read()
    agents.answer("b", ["n": 2])
    clock.advance(by: .seconds(1))
    let late = second.last?["agents"]?["a"]
    #expect(late?["report"] == ["n": 1] && late?["report_late"] == true && late?["report_age_ms"] == 11_000)
    #expect(second.last?["agents"]?["b"]?["report"] == ["n": 2])
  }

  @Test func anAgentGetsOneQuestionAtATime() {
    let trees = [read(), read(), read()]
    #expect(agents.asked.count == 2)
    agents.answer("a", ["n": 1])
    agents.answer("b", ["n": 1])
    #expect(trees.allSatisfy { $0.all.count == 1 })
    #expect(agents.asked.isEmpty)
  }

  @Test func aNewInstanceIsAskedAgain() {
    let first = read()
    agents.statuses[0].started = Instant(nanoseconds: 2)
    let second = read()
    #expect(agents.asked.map(\.agent).filter { $0 == "a" }.count == 2)
    // The old instance's answer is ignored.
    agents.answer("a", ["old": true])
    agents.answer("b", [:])
    #expect(second.all.isEmpty)
    agents.answer("a", ["new": true])
    #expect(second.last?["agents"]?["a"]?["report"] == ["new": true] && first.all.count == 1)
  }

  @Test func aSingleReportHasTheSameDeadline() throws {
    var reports: [Report] = []
    try projection.report(of: "a") { reports.append($0) }
    clock.advance(by: .seconds(1))
    #expect(reports == [Report(isLate: true)])
    #expect(throws: AgentControlError.self) { try projection.report(of: "c") { reports.append($0) } }
  }

  @Test func theVersionGrowsForAllChangesExceptTimes() throws {
    agents.prompt = ["a", "b"]
    #expect(read().last?["version"] == 1)
    clock.advance(by: .seconds(5))
    #expect(read().last?["version"] == 1)
    agents.statuses[0].activations = 7
    #expect(read().last?["version"] == 2)
    try hardware.controlActuator("lamp", .on, lease: .seconds(9), as: Principal(name: "client/x", permissions: .all))
    #expect(read().last?["version"] == 3)
  }

  @Test func rowsAndBranchesAgree() throws {
    agents.prompt = ["a", "b"]
    let tree = try #require(read().last)
    for row in projection.agentRows {
      let branch = try #require(tree["agents"]?[row["agent"]?.string ?? ""]?.map)
      for (name, value) in row where name != "agent" && name != "budgets" {
        #expect(branch[name] ?? .null == value, "\(name)")
      }
    }
    let lamp = try #require(projection.devices.first)
    #expect(tree["devices"]?["lamp"]?["state"] == lamp["state"])
    #expect(tree["rules"]?["hot"] == ["fired": 2, "failed": 0])
    #expect(tree["board"] == "test")
  }

  @Test func theSummaryHasProblems() throws {
    #expect(projection.summary["agents"] == ["registered": 2, "running": 2])
    #expect(projection.summary["quarantined"] == nil && projection.summary["emergency_stop"] == nil)
    agents.statuses[0].state = .quarantined
    agents.statuses[0].started = nil
    rules.refusal = "rules.yaml:1:1: no such action"
    _ = hardware.stopEverything(by: "client/x", reason: "smoke", cause: nil)
    let summary = projection.summary
    #expect(summary["quarantined"] == ["a": "failed too often; 'openstarry restart a' releases it"])
    #expect(summary["rules_refused"] == "rules.yaml:1:1: no such action")
    #expect(summary["emergency_stop"] == "by client/x: smoke")
    #expect(summary["agents"]?["running"] == 1)
  }

  @Test func theSummaryShowsWhatTheDaemonAsAWholeUses() {
    #expect(projection.summary["metered"] == [:])
    var memory = BudgetStatus(.memory, used: 3 << 20, limit: 64 << 20, window: nil)
    memory.whole = BoardMeasurement(.memory, 3 << 20, by: .group)
    var cpu = BudgetStatus(.cpu, used: 5_000_000, limit: nil, window: .seconds(10))
    cpu.whole = BoardMeasurement(.cpu, 5_000_000, by: .process)
    let disk = BudgetStatus(.disk, used: 1000, limit: nil, window: nil)
    let projection = Projection(
      agents: agents, hardware: hardware, rules: rules, events: events, clock: clock,
      boardBudgets: { [memory, cpu, disk] })
    #expect(
      projection.summary["metered"] == [
        "memory": "3 MiB of 64 MiB by cgroup, enforced", "cpu": "5ms in 10s by getrusage",
      ])
  }

  @Test func theSummaryNamesBudgetsThatAreNotEnforced() {
    #expect(projection.summary["budgets_not_enforced"] == nil)
    func budget(_ resource: Resource, _ enforcement: Enforcement, limit: Int64? = 1) -> BudgetStatus {
      BudgetStatus(resource, used: 0, limit: limit, window: nil, enforcement: enforcement)
    }
    agents.statuses[0].budgets = [
      budget(.memory, .notEnforced("no cgroup")), budget(.tokens, .notMetered("no model")), budget(.cpu, .enforced),
    ]
    agents.statuses[1].budgets = [budget(.memory, .notEnforced("no cgroup"), limit: nil)]
    #expect(projection.summary["budgets_not_enforced"] == ["a": "memory tokens"])
    let limited = Projection(
      agents: agents, hardware: hardware, rules: rules, events: events, clock: clock, looseMemoryMax: "10%",
      boardBudgets: { [budget(.disk, .notMetered("no counter"))] })
    #expect(
      limited.summary["budgets_not_enforced"] == ["a": "memory tokens", "(board)": "disk memory: MemoryMax=10%"])
  }

  @Test func theSummaryNamesOutputsThatRefuse() throws {
    #expect(projection.summary["not_safe"] == nil)
    let bench = GateBench([.actuator("lamp"), .actuator("fan", options: ["latency": "soon"])])
    var isStopping = false
    let projection = Projection(
      agents: agents, hardware: bench.hardware, rules: rules, events: events, clock: bench.clock,
      isStopping: { isStopping })
    try bench.backend.inject("lamp", "nack")
    let why = try #require(
      failure { () throws(HALError) in try bench.hardware.controlActuator("lamp", .on, as: .named("x")) })
    #expect(projection.summary["not_safe"]?["lamp"] == .string("\(why); the daemon tries again"))
    let fan = projection.summary["not_safe"]?["fan"]?.string
    #expect(fan?.hasSuffix("; nobody tries again: correct the board file and restart the daemon") == true)
    isStopping = true
    #expect(projection.summary["not_safe"]?["lamp"] == .string("\(why); the daemon ends, and tries again"))
  }
}

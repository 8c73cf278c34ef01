import Agent
import AgentInProcess
import HAL
import HALSimulated
import Linux
import Model
import Orchestrator
import RuleTrial
import Rules
import Store
import TestKit
import Testing

/// What must be on the disk at the end, and what must not be touched any more.
@Suite(.serialized) struct EndTests {
  private let folder: TemporaryFolder
  private var stopFile: String { "\(folder.path)/emergency-stop.json" }

  init() throws { folder = try TemporaryFolder() }

  /// The daemon's core on a simulated board, on time and threads that are moved by hand.
  private final class Stage: DaemonCoreOwner {
    let loop = TrialLoop()
    let hardware: Hardware
    private(set) var problems: [String] = []
    private var core: DaemonCore?

    init(_ folder: String) {
      let board = Board(name: "stage", backend: .simulated, devices: [])
      let log = EventLog(on: loop, capacity: 16, depthLimit: 16)
      hardware = Hardware(
        board: board, backend: SimulatedBackend(board: board, clock: loop, seed: 1), clock: loop, events: log)
      let core = DaemonCore(
        DaemonCore.Site(
          loop: loop, log: log, hardware: hardware, home: folder, drivers: [InProcessDriver(types: [])])
      ) { .empty }
      self.core = core
      core.start(core.registry.open(timeout: .seconds(5)), owner: self) { [unowned self] in problems.append($0) }
      loop.settle()
    }

    let safeMode: String? = nil
    let quarantines: [(agent: AgentID, failure: AgentFailure)] = []
    func manifests() -> [Manifest] { [] }
    func manifest(of kept: StoredAgent) -> Manifest? { nil }
    func readLate(_ kept: StoredRegistry.Contents) {}
    func failed(_ problem: String) { problems.append(problem) }

    /// Asks for a stop.
    func begin(_ answer: @escaping (Bool, String?) -> Void) {
      core?.stops?.begin(by: "client/ada", reason: "smoke", cause: nil, answer)
    }

    /// Ends in order.
    func end(_ done: @escaping () -> Void) { core?.end(within: .zero, onSafe: { _ in }, done) }
  }

  @Test func theEndWaitsForAStopThatIsBeingKept() {
    let stage = Stage(folder.path)
    stage.loop.stuck = ["stop-file"]
    var answer: (isNew: Bool, problem: String?)?
    var hasEnded = false
    stage.begin { answer = ($0, $1) }
    stage.end { hasEnded = true }
    // Everything but the stop is on the disk.
    stage.loop.settle()
    #expect(stage.loop.waiting == 1 && answer == nil && !hasEnded && !Files.exists(stopFile))
    stage.loop.stuck = []
    stage.loop.settle()
    #expect(answer?.isNew == true && answer?.problem == nil && hasEnded)
    #expect(Files.isFile(stopFile))
  }

  @Test func whoAsksAgainForAStopThatCouldNotBeKeptHasItKept() throws {
    // Nothing can be made under that name.
    try Files.makeFolder("\(stopFile).new/in-the-way")
    let stage = Stage(folder.path)
    var answers: [(isNew: Bool, problem: String?)] = []
    for _ in 1...2 {
      stage.begin { answers.append(($0, $1)) }
      stage.loop.settle()
    }
    #expect(answers.map(\.isNew) == [true, false] && answers.allSatisfy { $0.problem != nil })
    #expect(stage.problems.count == 2 && !Files.exists(stopFile))
    TemporaryFolder.remove("\(stopFile).new")
    stage.begin { answers.append(($0, $1)) }
    stage.loop.settle()
    #expect(answers.count == 3 && answers.last?.problem == nil)
    #expect(Files.isFile(stopFile))
    // It is there now: there is nothing to do for the next one.
    Files.remove(stopFile)
    stage.begin { answers.append(($0, $1)) }
    stage.loop.settle()
    #expect(answers.count == 4 && !Files.exists(stopFile))
  }

  @Test func aStopThatAnEarlierRunLeftIsWrittenAgainForWhoAsks() throws {
    // Torn: that run died while it kept it, and nobody knows what is on the disk.
    try folder.write("emergency-stop.json", "{\"by\":")
    let stage = Stage(folder.path)
    #expect(stage.hardware.emergencyStop?.by == "system")
    var answer: (isNew: Bool, problem: String?)?
    stage.begin { answer = ($0, $1) }
    #expect(answer == nil)
    stage.loop.settle()
    #expect(answer?.isNew == false && answer?.problem == nil)
    #expect(String(decoding: try folder.bytes("emergency-stop.json"), as: UTF8.self).contains("\"system\""))
  }

  @Test func aDiskThatHangsHoldsUpNeitherAnEarlyEndNorAnyEnd() throws {
    let loop = TrialLoop()
    loop.stuck = ["registry"]
    let log = EventLog(clock: loop, capacity: 16, depthLimit: 16, later: { _ in })
    let registry = StoredRegistry(folder: folder.path, loop: loop, events: log)
    // A signal during the start.
    #expect(registry.open(timeout: .seconds(5), isCancelled: { true }).notices.isEmpty)
    #expect(loop.now == TrialLoop().now)
    var ends = 0
    registry.close { ends += 1 }
    loop.clock.advance(by: .seconds(4))
    #expect(ends == 0)
    loop.clock.advance(by: .seconds(2))
    #expect(ends == 1)
    loop.stuck = []
    loop.settle()
    #expect(ends == 1)
  }

  @Test func aRegistryThatIsClosedIsNotOpenedAgain() throws {
    let loop = TrialLoop()
    let log = EventLog(clock: loop, capacity: 16, depthLimit: 16, later: { _ in })
    let registry = StoredRegistry(folder: folder.path, loop: loop, events: log)
    _ = registry.open(timeout: .seconds(5))
    try registry.keep([.state("agent", key: "k", 1)])
    var isClosed = false
    registry.close { isClosed = true }
    loop.settle()
    #expect(isClosed && Files.isFile("\(folder.path)/registry.db"))
    for name in folder.names { Files.remove("\(folder.path)/\(name)") }
    // Somebody still has something to say, and somebody asks.
    try? registry.keep([.state("agent", key: "k", 2)])
    registry.flush { _ in }
    loop.clock.advance(by: .seconds(600))
    #expect(loop.waiting == 0)
    loop.settle()
    #expect(folder.names.isEmpty, "\(folder.names)")
  }
}

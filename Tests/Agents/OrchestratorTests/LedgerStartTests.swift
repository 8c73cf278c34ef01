import Agent
import Guardian
import HAL
import Model
import OpenStarryAgent
import Testing

@testable import Orchestrator

/// When what models have used is read: it needs files, and outputs do not wait for those.
@Suite struct LedgerStartTests {
  /// Notes the order of what concerns outputs and models.
  private final class Steps: DaemonCoreGuardian, ModelGateway, ModelControl {
    private(set) var all: [String] = []
    var onOverruled: (OverruledOutput) -> Void = { _ in }

    func start() { all.append("guardian") }
    func charge() { all.append("outputs are open") }
    func slot(of device: DeviceID) -> Int? { 0 }
    func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {}
    func release(_ slot: Int) {}
    func inheritance(of device: DeviceID) -> OutputHold? { nil }

    func open(_ done: @escaping ([String]) -> Void) {
      all.append("models")
      done([])
    }
    func complete(
      _ request: ModelRequest, for caller: ModelCaller,
      _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
    ) throws(AgentError) -> CompletionID { throw AgentError(.unavailable, "none") }
    func cancel(_ completion: CompletionID) {}

    let modelRows: [Fields] = []
    let notStored: String? = nil
    func usage(by grouping: UsageGrouping) -> Fields { [:] }
    func transcript(of agent: AgentID?, last: Int) -> [Fields] { [] }
    func listen(_ hear: @escaping (ModelText) -> Void) -> UInt64 { 0 }
    func endListen(_ listener: UInt64) {}
  }

  @Test(arguments: [nil, "it has ended five times"]) func outputsComeFirst(_ safeMode: String?) throws {
    let steps = Steps()
    let station = try CoreStation(guardian: steps, safeMode: safeMode, model: steps)
    #expect(steps.all == ["guardian", "outputs are open", "models"])
    if safeMode != nil { station.core.leaveSafeMode() }
    station.wait(.seconds(1))
    #expect(steps.all.count == 3)
  }
}

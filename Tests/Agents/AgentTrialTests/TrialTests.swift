import Agent
import Model
import Testing

@testable import AgentTrial

/// Trials with in-process agents, which need no WASM engine.
struct TrialTests {
  private let warm = TrialEvent("sensor:temperature", ["value": 31])
  private let cool = TrialEvent("sensor:temperature", ["value": 20])

  @Test func stepsAreReportedInOrder() throws {
    let bench = try TrialBench(manifest("fan"))
    try bench.trial.prepare(for: warm)
    #expect(bench.trial.start() == nil)
    let activations = try bench.trial.deliver(warm)
    #expect(activations.count == 1 && activations[0].failure == nil)
    #expect(bench.trial.snapshot() == ["count": 1])
    #expect(bench.trial.end() == ["count": 1])
    let kinds: [TrialStep.Kind] = [
      .start, .event, .read, .log, .control, .emit, .state, .state, .done, .end, .board,
    ]
    #expect(bench.steps.map(\.kind) == kinds)
    #expect(bench.texts(.read, .log) == ["read temperature: 31", "log info: it is 31.0"])
    #expect(bench.texts(.control) == ["control fan on for 1m: fan on (held by agent/fan, lease 1m)"])
    #expect(bench.texts(.emit) == ["emit fan:turned  on true: published"])
    #expect(bench.texts(.state) == ["state count: none", "state count = 1: kept"])
    #expect(bench.texts(.board) == ["fan off (holder ended)"])
    #expect(bench.step(.control)?.document["state"]?.double == 1)
  }

  /// A one-shot agent starts with each event, and its starts are retried without end.
  @Test func agentThatNeverStartsDoesNotHoldTheTrial() throws {
    let manifest = manifest("fan", policy: Policy(maxRestarts: .max), lifecycle: .oneShot)
    let board = TrialBoard.madeUp(for: manifest, events: [], named: [])
    let trial = try Trial(manifest, board: board, onStep: { _ in }) { _ in RefusingDriver() }
    _ = trial.start()
    #expect(try trial.deliver(warm).isEmpty)
    _ = trial.end()
  }

  @Test func eventSetsTheSensorsValue() throws {
    let sensor = SensorSettings(every: .milliseconds(50), scale: 2, offset: 1)
    let board = Board(
      name: "calibrated", backend: .simulated,
      devices: [
        Device(id: "temperature", kind: .sensor(sensor), driver: "simulated"),
        Device(id: "fan", kind: .actuator(ActuatorSettings()), driver: "simulated"),
      ])
    let bench = try TrialBench(manifest("fan"), board: board)
    _ = bench.trial.start()
    _ = try bench.trial.deliver(warm)
    _ = try bench.trial.deliver(cool, after: .milliseconds(10))
    #expect(bench.texts(.read) == ["read temperature: 31", "read temperature: 20"])
    let payload = bench.step(.event)?.fields["payload"]
    #expect(payload == ["value": 20, "unit": "", "quality": "good", "previous": nil])
  }

  @Test func sensorValueCanBeSetWithoutAnEvent() throws {
    let bench = try TrialBench(manifest("fan"))
    try bench.trial.set("temperature", 33)
    _ = bench.trial.start()
    _ = try bench.trial.deliver(TrialEvent("timer:minute"))
    #expect(bench.texts(.read) == ["read temperature: 33"])
  }

  @Test func inputEventsHaveTheBoardsFields() throws {
    let bench = try TrialBench(manifest("fan", subscribe: ["input:door"]))
    _ = bench.trial.start()
    _ = try bench.trial.deliver(TrialEvent("input:door"))
    let payload = bench.step(.event)?.fields["payload"]
    #expect(payload?["active"]?.bool == true && payload?["edge"]?.string == "rising")
    _ = try bench.trial.deliver(TrialEvent("input:door", ["active": false]), after: .seconds(1))
    #expect(bench.step(.event)?.fields["payload"]?["edge"]?.string == "falling")
  }

  @Test func leasesEndInSimulatedTime() throws {
    let bench = try TrialBench(manifest("fan"))
    _ = bench.trial.start()
    _ = try bench.trial.deliver(warm)
    // No sensor changes, so no event wakes the agent; the lease of one minute ends.
    #expect(bench.trial.live(for: .seconds(3600)).isEmpty)
    #expect(bench.texts(.board) == ["fan off (lease expired)"])
    #expect(bench.step(.board)?.at == .milliseconds(60_100))
  }

  @Test func boardEventsWakeTheAgentOnlyInLive() throws {
    let board = Board(
      name: "wavy", backend: .simulated,
      devices: [
        Device(
          id: "temperature", kind: .sensor(SensorSettings(every: .seconds(1))), driver: "simulated",
          options: ["model": ["model": "sine", "mean": 30, "amplitude": 5, "period": "10s"]]),
        Device(id: "fan", kind: .actuator(ActuatorSettings()), driver: "simulated"),
      ])
    let bench = try TrialBench(manifest("fan"), board: board)
    _ = bench.trial.start()
    #expect(try bench.trial.deliver(TrialEvent("timer:minute"), after: .seconds(30)).count == 1)
    #expect(bench.texts(.event).count == 1)
    let activations = bench.trial.live(for: .seconds(10))
    #expect(activations.count == 10)
    #expect(activations.allSatisfy { $0.failure == nil })
  }

  @Test func refusalsAreReported() throws {
    let bench = try TrialBench(manifest("clumsy", policy: Policy(maxRestarts: 2)))
    _ = bench.trial.start()
    let activations = try bench.trial.deliver(TrialEvent("clumsy:go"))
    #expect(activations.first?.failure?.reason == .error)
    #expect(bench.step(.control)?.fields["error"]?.string == "not-found")
    #expect(bench.texts(.done).first?.hasPrefix("failed, error: ") == true)
    #expect(bench.texts(.agent).count == 1)
    // The event waits for the restart, which takes only simulated time.
    #expect(try bench.trial.deliver(TrialEvent("clumsy:rest")).map(\.failure) == [nil])
    _ = try bench.trial.deliver(TrialEvent("clumsy:go"))
    _ = try bench.trial.deliver(TrialEvent("clumsy:go"))
    #expect(throws: TrialFailure.self) { try bench.trial.deliver(TrialEvent("clumsy:go")) }
    #expect(bench.texts(.agent).last?.contains("quarantined") == true)
    #expect(bench.trial.end() == [:])
  }

  @Test func ungrantedCallsAreDenied() throws {
    let board = TrialBoard.madeUp(for: manifest("fan"), events: [], named: [])
    let bench = try TrialBench(manifest("fan", sensors: []), board: board)
    _ = bench.trial.start()
    #expect(try bench.trial.deliver(warm).first?.failure?.reason == .refused)
    #expect(bench.step(.read)?.fields["error"]?.string == "denied")
    #expect(bench.texts(.done).first?.hasPrefix("refused: denied: ") == true)
    #expect(bench.texts(.agent).isEmpty, "a refusal must not restart the agent")
  }

  @Test func ratesFollowSimulatedTime() throws {
    let one = Budget(hardware: Rate(count: 2, per: .seconds(1)))
    let bench = try TrialBench(manifest("fan", policy: Policy(restart: .never), budget: one))
    _ = bench.trial.start()
    for _ in 0..<20 { #expect(try bench.trial.deliver(warm, after: .seconds(1)).map(\.failure) == [nil]) }
    #expect(try bench.trial.deliver(warm).first?.failure != nil)
    #expect(bench.step(.read)?.fields["error"]?.string == "limited")
  }

  @Test func boardLimitsApply() throws {
    let pump = ActuatorSettings(maxOn: .seconds(5))
    let real = Board(
      name: "real", backend: .linux,
      devices: [
        Device(id: "temperature", kind: .sensor(SensorSettings()), driver: "bme280", options: ["bus": "i2c1"]),
        Device(id: "fan", kind: .actuator(pump), driver: "gpio", options: ["line": "GPIO17"]),
      ])
    let bench = try TrialBench(manifest("fan"), board: TrialBoard.simulated(real))
    _ = bench.trial.start()
    _ = try bench.trial.deliver(warm)
    _ = bench.trial.live(for: .seconds(10))
    #expect(bench.step(.board)?.at == .milliseconds(5100))
    #expect(bench.texts(.board).contains { $0.contains("max on") || $0.contains("max_on") })
  }

  @Test func oneShotAgentsAreStartedByEachEvent() throws {
    let bench = try TrialBench(manifest("fan", lifecycle: .oneShot))
    #expect(bench.trial.start() == nil)
    #expect(bench.steps.isEmpty)
    _ = try bench.trial.deliver(warm)
    _ = try bench.trial.deliver(cool, after: .seconds(1))
    #expect(bench.texts(.start) == ["started", "started"])
    #expect(bench.trial.end() == ["count": 2])
  }

  @Test func durableStateOfAnEarlierRunIsUsed() throws {
    let bench = try TrialBench(manifest("fan"), state: ["count": 41])
    _ = bench.trial.start()
    _ = try bench.trial.deliver(warm)
    #expect(bench.trial.end() == ["count": 42])
  }

  @Test func picturesAreTaken() throws {
    let bench = try TrialBench(manifest("eye", cameras: ["cam0"]))
    _ = bench.trial.start()
    _ = try bench.trial.deliver(TrialEvent("camera:motion"))
    #expect(bench.step(.frame)?.fields["error"]?.string == "unavailable")
    _ = try bench.trial.deliver(TrialEvent("camera:motion"), after: .seconds(1))
    #expect(bench.step(.frame)?.fields["bytes"]?.int == 192)
    let isThere = bench.step(.snapshot)?.fields["bytes"] != nil
    let isCodecMissing = bench.texts(.board).contains { $0.contains("libturbojpeg") || $0.contains("failed to") }
    #expect(isThere || isCodecMissing)
  }

  @Test func invalidInputIsRefused() throws {
    let bench = try TrialBench(manifest("fan"))
    _ = bench.trial.start()
    for device in ["temprature", "fan", "nothing"] as [DeviceID] {
      let failure = #expect(throws: TrialFailure.self) { try bench.trial.set(device, 1) }
      #expect(failure?.isUsage == true)
    }
    #expect(throws: TrialFailure.self) { try bench.trial.deliver(TrialEvent("nonsense")) }
    #expect(bench.steps.count == 1)
  }

  @Test func unsupportedIsolationsAreRefused() {
    for (driver, word) in [(Manifest.Driver.inProcess, "firmware"), (.docker, "name of an image")] {
      var refused = manifest("fan")
      refused.runtime.driver = driver
      if driver == .docker { refused.runtime.entry = "an image" }
      let failure = #expect(throws: TrialFailure.self) {
        try Trial(refused, board: TrialBoard.madeUp(for: refused, events: [], named: []), modules: "/tmp") { _ in }
      }
      #expect(failure?.description.contains(word) == true)
    }
    var missing = manifest("fan")
    missing.runtime = .init(driver: .wasm, entry: "nowhere.wasm")
    missing.file = "/nowhere/agent.json"
    let failure = #expect(throws: TrialFailure.self) {
      try Trial(missing, board: TrialBoard.madeUp(for: missing, events: [], named: []), modules: "/tmp") { _ in }
    }
    #expect(failure?.description.contains("/nowhere/nowhere.wasm") == true)
  }

  @Test func endedTrialIsDeallocated() throws {
    weak var trial: Trial?
    do {
      let bench = try TrialBench(manifest("fan"))
      trial = bench.trial
      _ = bench.trial.start()
      _ = try bench.trial.deliver(warm)
      _ = bench.trial.end()
    }
    #expect(trial == nil)
  }
}

/// Every start fails.
private final class RefusingDriver: AgentDriver {
  let isolation = Isolation(.inProcess, entry: "nothing", runsOnLoop: true)

  func validate(_ manifest: Manifest) throws(AgentFailure) {}

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) { done(.failure(AgentFailure(.startFailed, "the folder of modules can be written by others"))) }
}

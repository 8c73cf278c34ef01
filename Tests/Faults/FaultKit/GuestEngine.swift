import Agent
import AgentWASM
import Linux
import Model

/// The WebAssembly engine and the modules of a campaign, loaded and compiled once for all daemons of all runs.
package final class GuestEngine {
  private let engine: LoadedEngine
  private let folder: String
  private let compiler: String

  /// Loads the engine and writes the modules, which the first run compiles.
  /// - Parameters:
  ///   - folder: for modules and compiled modules; not on a simulated disk.
  ///   - compiler: a program that calls `ModuleCompiler.runIfAsked` first of all.
  /// - Throws: `EngineError` when there is no engine, `SystemError` when the folder cannot be written.
  package init(folder: String, compiler: String = "/proc/self/exe") throws {
    engine = try LoadedEngine()
    self.folder = folder
    self.compiler = compiler
    try Files.makeFolder(folder)
    for (name, module) in GuestModules.all { try Files.replace("\(folder)/\(name).wasm", with: module) }
  }

  /// Makes the WASM driver of one daemon.
  func driver(_ loop: ManualLoop) -> WASMDriver {
    var limits = GuestLimits()
    // Small limits keep runs short: a slice takes 0.1 ms of real time.
    (limits.fuel, limits.slice) = (2_000_000, 50_000)
    return WASMDriver(
      loop, folder: "\(folder)/modules", compiler: compiler, limits: limits, clock: GuestClock(loop),
      engine: engine)
  }

  /// The WASM agents: one that behaves, and those that misbehave when a fault asks for it.
  var agents: [Manifest] {
    [
      agent("gauge", ["sensor:temperature", "work:more"]), agent("spinner", ["fault:spin"]),
      // The same module with a time budget that ends before its fuel does.
      agent("dawdler", ["fault:spin"], module: "spinner", activation: .milliseconds(2)),
      agent("hoarder", ["fault:leak"]), agent("thrower", ["fault:trap"]), agent("shouter", ["fault:storm"]),
    ]
  }

  private func agent(
    _ id: AgentID, _ subscribe: [String], module: String? = nil, activation: Duration = .milliseconds(200)
  ) -> Manifest {
    Manifest(
      id: id, name: id.rawValue, runtime: Manifest.Runtime(driver: .wasm, entry: "\(module ?? id.rawValue).wasm"),
      permissions: .all,
      budget: Budget(
        memory: 256 << 10, activation: activation,
        events: Rate(count: TestAgents.eventsPerSecond, per: .seconds(1)), hardware: Rate(count: 50, per: .seconds(1))),
      policy: Policy(backoff: .milliseconds(100), maxBackoff: .seconds(3), grace: .seconds(2)),
      subscribe: subscribe.map(EventPattern.init), file: "\(folder)/\(id).json")
  }
}

/// The clock of guests. Each reading costs simulated CPU time, so that equal slices take equal time.
private final class GuestClock: Timekeeper {
  private static let price = Duration.microseconds(50)
  private unowned let loop: ManualLoop

  init(_ loop: ManualLoop) { self.loop = loop }

  var now: Instant {
    loop.spend(Self.price)
    return loop.now
  }
  var wallMilliseconds: UInt64 { loop.wallMilliseconds }
  var wallIsSynchronised: Bool { loop.wallIsSynchronised }
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID { loop.schedule(at: deadline, action) }
  func cancel(_ timer: TimerID) { loop.cancel(timer) }
}

/// Wraps the WASM driver and reports activations to the stage.
final class ObservedDriver: AgentDriver {
  private let driver: WASMDriver
  private let stage: Stage
  private var all: [WeakInstance] = []

  private struct WeakInstance {
    weak var instance: ObservedInstance?
  }

  init(_ driver: WASMDriver, _ stage: Stage) {
    self.driver = driver
    self.stage = stage
  }

  var isolation: Isolation { driver.isolation }
  func validate(_ manifest: Manifest) throws(AgentFailure) { try driver.validate(manifest) }

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    driver.start(manifest, host: host, ended: ended) { [weak self, stage] result in
      done(
        result.map { instance in
          let observed = ObservedInstance(manifest, instance, stage)
          self?.note(observed)
          return observed
        })
    }
  }

  private func note(_ instance: ObservedInstance) {
    all = all.filter { $0.instance != nil } + [WeakInstance(instance: instance)]
  }

  /// The daemon has died: its instances end without a completion.
  func abandon() {
    for one in all { one.instance?.abandon() }
    driver.abandonStarts()
  }
}

private final class ObservedInstance: AgentInstance {
  private let manifest: Manifest
  private let instance: any AgentInstance
  private let stage: Stage
  private var isAbandoned = false

  init(_ manifest: Manifest, _ instance: any AgentInstance, _ stage: Stage) {
    self.manifest = manifest
    self.instance = instance
    self.stage = stage
  }

  var pid: Int32? { instance.pid }
  var lastCost: ActivationCost? { instance.lastCost }
  func snapshot(_ done: @escaping (Value) -> Void) { instance.snapshot(done) }
  func stop(now: Bool, _ done: @escaping () -> Void) { instance.stop(now: now, done) }

  func abandon() {
    isAbandoned = true
    instance.stop(now: true) {}
  }

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    stage.onHandled(manifest.id, event)
    instance.activate(event) { [weak self] result in
      guard let self, !isAbandoned else { return }
      let failure: AgentFailure? = if case .failure(let failure) = result { failure } else { nil }
      stage.onGuest(manifest, failure, lastCost)
      done(result)
    }
  }
}

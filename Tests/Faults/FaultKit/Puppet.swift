import Agent
import Model

/// The ways in which an agent misbehaves.
enum Mischief: String, CaseIterable {
  case fails, crashes, hangs, leaks, storms, slow, doesNotStart
}

/// The common state of a run's agents, across all daemons.
final class Stage {
  let seed: UInt64
  let devices: [String]
  /// The misbehaviour of an agent's next activation or start.
  var mischief: [AgentID: Mischief] = [:]
  var activations: [AgentID: Int] = [:]
  var onHandled: (AgentID, Event) -> Void = { _, _ in }
  /// An activation of a WASM agent has ended, with its failure (nil for success) and its cost.
  var onGuest: (Manifest, AgentFailure?, ActivationCost?) -> Void = { _, _, _ in }
  /// The daemon has accepted an agent's command for this output.
  var onCommand: (DeviceID) -> Void = { _ in }
  var onState: (AgentID, String, Int64) -> Void = { _, _, _ in }
  /// An in-process agent crashed the daemon.
  var onCrash: (AgentID) -> Void = { _ in }
  /// The code of an in-process agent begins to run, or has returned (nil).
  var onCode: (AgentID?, Event?) -> Void = { _, _ in }
  /// An in-process agent hangs.
  var onHang: (AgentID) -> Void = { _ in }
  /// An agent that misbehaves in every activation.
  var habit: (agent: AgentID, mischief: Mischief)?

  init(_ seed: UInt64, _ board: Board) {
    self.seed = seed
    devices = board.devices.compactMap { if case .actuator = $0.kind { $0.id.rawValue } else { nil } }
  }

  func takeMischief(_ id: AgentID) -> Mischief? {
    mischief.removeValue(forKey: id) ?? (habit?.agent == id ? habit?.mischief : nil)
  }
}

/// Runs agents that behave as the seed says: in-process, or like processes.
final class PuppetDriver: AgentDriver {
  let isolation: Isolation
  private let stage: Stage
  private let loop: ManualLoop
  private var all: [WeakPuppet] = []
  /// The running instances.
  private(set) var instances: [AgentID: Puppet] = [:]

  init(_ kind: Manifest.Driver, _ stage: Stage, _ loop: ManualLoop) {
    // The enforcement of processes, or that of in-process agents.
    isolation =
      kind == .process
      ? Isolation(
        kind, entry: "a puppet", cpu: .notMetered("the driver does not measure it"),
        memory: .notMetered("the driver does not measure it"))
      : Isolation(
        kind, entry: "a puppet", runsOnLoop: true, cpu: .afterwards("it cannot be interrupted"),
        memory: .notEnforced("it shares the daemon's memory"), activation: .afterwards("it cannot be interrupted"))
    self.stage = stage
    self.loop = loop
  }

  func validate(_ manifest: Manifest) throws(AgentFailure) {}

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    if stage.mischief[manifest.id] == .doesNotStart {
      stage.mischief[manifest.id] = nil
      return done(.failure(AgentFailure(.startFailed, "it does not start today")))
    }
    let puppet = Puppet(manifest, host, stage, loop, ended)
    instances[manifest.id] = puppet
    all = all.filter { $0.puppet != nil } + [WeakPuppet(puppet: puppet)]
    guard kind == .process else { return done(.success(puppet)) }
    var chance = Chance(stage.seed, "start \(manifest.id)", loop.actions)
    loop.schedule(after: chance.milliseconds(1...60)) {
      guard !puppet.isGone else {
        return done(.failure(AgentFailure(.startFailed, "signal 9 before it was ready")))
      }
      puppet.isStarted = true
      done(.success(puppet))
    }
  }
}

extension PuppetDriver {
  private struct WeakPuppet {
    weak var puppet: Puppet?
  }

  /// The daemon has died.
  func abandon() { for one in all { one.puppet?.abandon() } }
}

/// One running agent.
final class Puppet: AgentInstance {
  private let manifest: Manifest
  private let stage: Stage
  private let loop: ManualLoop
  private var host: (any AgentHost)?
  private var done: ((Result<Void, AgentFailure>) -> Void)?
  private var ended: ((AgentEnd) -> Void)?
  private var isHung = false
  fileprivate var isStarted = false
  fileprivate private(set) var isGone = false
  private var patience: TimerID?
  private var memory = 1 << 20
  private(set) var lastCost: ActivationCost?

  init(
    _ manifest: Manifest, _ host: any AgentHost, _ stage: Stage, _ loop: ManualLoop,
    _ ended: @escaping (AgentEnd) -> Void
  ) {
    self.ended = ended
    self.manifest = manifest
    self.host = host
    self.stage = stage
    self.loop = loop
  }

  private var isProcess: Bool { manifest.runtime.driver == .process }
  var pid: Int32? { isProcess ? 4711 : nil }

  func snapshot(_ done: @escaping (Value) -> Void) { done(["memory": .int(Int64(memory))]) }

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    // Ignore calls by the rest of a dead daemon's last action.
    guard !loop.isDead else { return }
    self.done = done
    stage.onHandled(manifest.id, event)
    guard !isProcess else { return handle(event) }
    stage.onCode(manifest.id, event)
    handle(event)
    // An agent that hangs or has crashed the daemon has not returned.
    if loop.isActive { stage.onCode(nil, nil) }
  }

  private func handle(_ event: Event) {
    let number = stage.activations[manifest.id, default: 0] + 1
    stage.activations[manifest.id] = number
    var chance = Chance(stage.seed, "agent \(manifest.id)", number)
    let mischief = stage.takeMischief(manifest.id)
    var acts = chance.within(0...3)
    // CPU time in milliseconds.
    var run = chance.within(0...4)
    switch mischief {
    case .crashes where !isProcess: return stage.onCrash(manifest.id)
    case .hangs where !isProcess: return stage.onHang(manifest.id)
    case .crashes: return after(&chance, 0...20) { $0.end(.failure(AgentFailure(.crash, "signal 11"))) }
    case .hangs:
      isHung = true
      // A driver of processes enforces the activation budget.
      let limit = manifest.budget.activation ?? .seconds(5)
      patience = loop.schedule(after: limit) { [weak self] in
        self?.end(.failure(AgentFailure(.activation, "no answer for \(limit.text)")))
      }
      return
    case .storms:
      run = 900
      storm()
    case .leaks: memory += 64 << 20
    case .slow:
      acts = 20
      run = 2000
    case .fails, .doesNotStart, nil: break
    }
    let nanoseconds = UInt64(run) * 1_000_000
    lastCost = ActivationCost(peakMemory: memory, runTime: nanoseconds, totalTime: nanoseconds)
    go(on: acts, number, fails: mischief == .fails, chance)
  }

  /// Performs `left` random actions, then completes the activation.
  private func go(on left: Int, _ number: Int, fails: Bool, _ chance: Chance) {
    var chance = chance
    guard left > 0 else {
      return end(fails ? .failure(AgentFailure(.error, "on purpose")) : .success(()))
    }
    guard isProcess else {
      act(number, &chance)
      return go(on: left - 1, number, fails: fails, chance)
    }
    let wait = chance.within(50...9000)
    loop.schedule(after: .microseconds(wait)) { [weak self] in
      guard let self, host != nil, done != nil, !isHung else { return }
      act(number, &chance)
      go(on: left - 1, number, fails: fails, chance)
    }
  }

  private func after(_ chance: inout Chance, _ range: ClosedRange<Int>, _ action: @escaping (Puppet) -> Void) {
    loop.schedule(after: chance.milliseconds(range)) { [weak self] in if let self { action(self) } }
  }

  private func end(_ result: Result<Void, AgentFailure>) {
    if let patience { loop.cancel(patience) }
    patience = nil
    let done = self.done.take()
    done?(result)
  }

  private func storm() { for _ in 0..<300 { _ = try? host?.emit("work:storm", [:]) } }

  private func act(_ number: Int, _ chance: inout Chance) {
    guard let host else { return }
    switch chance.within(0...9) {
    case 0...3:
      let command: ActuatorCommand =
        switch chance.within(0...9) {
        case 0...3: .on
        case 4...5: .off
        case 6: .level(Double(chance.within(0...4)) / 4)
        default: .pulse(chance.milliseconds(10...3000))
        }
      let lease = chance.happens(30) ? nil : chance.milliseconds(20...20_000)
      let device = chance.one(of: stage.devices)
      if (try? host.control(device, command, lease: lease)) != nil { stage.onCommand(DeviceID(device)) }
    case 4: _ = try? host.emit(chance.happens(70) ? "work:next" : "work:more", ["n": .int(Int64(number))])
    case 5...6:
      let key = "k\(chance.within(0...2))"
      let value = Int64(number * 100 + chance.within(0...99))
      if (try? host.setState(key, .int(value))) != nil { stage.onState(manifest.id, key, value) }
    case 7: _ = try? host.read(chance.happens(50) ? "temperature" : "humidity")
    case 8: _ = try? host.frame("eye", width: 8, height: 6)
    default: host.log(.info, "number \(number)")
    }
  }

  /// Its process is gone.
  func vanish() {
    let ended = isStarted ? self.ended : nil
    isGone = true
    abandon()
    // The daemon learns of it when its loop turns.
    loop.arrives { ended?(AgentEnd(AgentFailure(.crash, "signal 9"))) }
  }

  func stop(now: Bool, _ done: @escaping () -> Void) {
    ended = nil
    guard isProcess else {
      abandon()
      return done()
    }
    // A hung process ignores a graceful stop, but not SIGKILL.
    if isHung && !now { return }
    if let patience { loop.cancel(patience) }
    patience = nil
    var chance = Chance(stage.seed, "stop \(manifest.id)", loop.actions)
    loop.schedule(after: now ? .milliseconds(1) : chance.milliseconds(1...30)) { [self] in
      abandon()
      done()
    }
  }

  /// The daemon has died: no completion is called.
  func abandon() {
    if let patience { loop.cancel(patience) }
    patience = nil
    host = nil
    done = nil
    ended = nil
  }
}

import Agent
import EventLoop
import Glibc
import Launcher
import LauncherClient
import Linux
import Model
import Plugins
import ProxyClient
import RPC
import Wire

/// An agent's program, in a sandbox or a container.
final class ProcessInstance: AgentInstance {
  private enum Phase {
    /// The program has not said yet that it is ready.
    case starting((Result<any AgentInstance, AgentFailure>) -> Void)
    case waiting
    case handling((Result<Void, AgentFailure>) -> Void)
    /// Nothing of it is left.
    case ended
  }

  private let manifest: Manifest
  private let limits: ProcessLimits
  private let loop: EventLoop
  private let launcher: LauncherLink
  private let proxy: ProxyLink
  /// Its plugins, which cannot be removed as long as it lives.
  var plugins: [InstalledPlugin] = []
  private let host: any AgentHost
  private var phase: Phase
  private var ended: ((AgentEnd) -> Void)?
  private var link: AgentLink?
  private var output: AgentOutput?
  private var network: AgentNetwork?
  private var program: UInt32?
  private var kind = LaunchPlan.Kind.program
  private(set) var pid: Int32?
  private(set) var lastCost: ActivationCost?
  /// That of the activation that has begun last.
  private var time: ActivationTime?
  /// Why it is being ended; nil while it runs.
  private var failure: AgentFailure?
  private var isStopping = false
  private var waitingForEnd: [() -> Void] = []
  private var timer: TimerID?
  private var signalTimer: TimerID?
  private var sampleTimer: TimerID?
  private var sampleDue: Instant?
  private var usage = LaunchUsage()
  /// What was in its folder at first, and until when it may be too much.
  private var firstData: (size: UInt64, due: Instant)?
  private var lastReport = Value.map([:])
  /// Whether it has not answered `snapshot` yet. It answers in order, so it has not begun an event that came later.
  private var isReporting = false

  init(
    _ manifest: Manifest, _ limits: ProcessLimits, host: any AgentHost, loop: EventLoop, launcher: LauncherLink,
    proxy: ProxyLink, ended: @escaping (AgentEnd) -> Void,
    started: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    self.manifest = manifest
    self.limits = limits
    self.host = host
    self.loop = loop
    self.launcher = launcher
    self.proxy = proxy
    self.ended = ended
    phase = .starting(started)
  }

  // MARK: Start

  /// Starts the program. The launcher's answer and the program's `ready` follow later; until then this object keeps
  /// itself alive through the launcher's link.
  func start(_ confinement: Confinement, _ limits: LaunchLimits) throws(AgentFailure) {
    kind = confinement.kind
    for sentence in confinement.refused { host.log(.warning, "fs_allow_paths: \(sentence)") }
    do throws(SystemError) {
      let sockets = try UnixSocket.pair()
      let ours = Descriptor(owning: sockets.0)
      let theirs = Descriptor(owning: sockets.1)
      try System.setNonBlocking(ours.number)
      UnixSocket.refuseDescriptors(ours.number)
      let log = try AgentOutput.open()
      let reading = Descriptor(owning: log.daemon)
      let writing = Descriptor(owning: log.program)
      // Opened anew each time: bubblewrap reads it from where its offset is.
      var filter: Descriptor?
      if let path = confinement.filter { filter = try System.open(path, O_RDONLY) }
      let recorder = host as? any UsageRecorder
      let output = AgentOutput(reading, on: loop, charge: { recorder?.used(cpu: $0) }) { [unowned self] in
        host.log(.info, $0)
      }
      let link = AgentLink(ours, on: loop, host: host)
      link.onReady = { [unowned self] in isReady($0) }
      link.onEnd = { [unowned self] in connectionEnded($0) }
      link.onWait = { [unowned self] in waits($0) }
      try output.start()
      try link.start()
      self.link = link
      self.output = output
      try openNetwork()
      program = try launcher.start(
        { confinement.plan($0, name: manifest.id, limits) },
        [theirs.number, writing.number] + [filter?.number, network?.door].compactMap { $0 }
      ) { [self] in take($0) }
      network?.closeDoor()
    } catch {
      phase = .ended
      tidy()
      throw AgentFailure(.startFailed, "agent '\(manifest.id)' cannot be started: \(error)")
    }
    setTimer(self.limits.start) { [unowned self] in
      end(AgentFailure(.startFailed, "it did not say that it is ready within \(self.limits.start.text)"))
    }
  }

  /// Prepares the network, if the manifest lists hosts.
  private func openNetwork() throws(SystemError) {
    guard !manifest.permissions.hosts.isEmpty else { return }
    let network = try AgentNetwork(manifest.permissions.hosts, proxy: proxy, on: loop) { [unowned self] in
      host.log($0, $1)
    }
    try network.start()
    self.network = network
  }

  /// Gives the start up; `started` follows with the reason `killed`.
  func cancelStart() { if case .starting = phase { end(AgentFailure(.killed, "its start was given up")) } }

  private func take(_ news: LauncherLink.News) {
    switch news {
    case .started(let process):
      pid = process
      // It may write before it is ready.
      if manifest.permissions.data != nil { sample() }
    case .usage(let usage): note(usage)
    case .refused(let reason): finish(AgentFailure(.startFailed, reason))
    case .lost(let reason): finish(failure ?? AgentFailure(.crash, reason))
    case .ended(let end):
      note(LaunchUsage(cpu: max(end.cpu, usage.cpu), memory: 0))
      finish(failure(of: end))
    }
  }

  private func isReady(_ version: Int64) {
    guard case .starting(let started) = phase, failure == nil else { return }
    guard version == 1 else {
      return end(
        AgentFailure(.startFailed, "it speaks version \(version) of the protocol, and this daemon speaks version 1"))
    }
    clearTimer()
    phase = .waiting
    sample()
    started(.success(self))
  }

  // MARK: Activations

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    guard case .waiting = phase, let link, failure == nil else {
      return done(.failure(failure ?? AgentFailure(.error, "agent '\(manifest.id)' cannot take an event now")))
    }
    phase = .handling(done)
    time = ActivationTime(limits.activation(of: manifest), at: loop.now, isWaiting: link.isWaiting)
    limitActivation()
    hurrySample()
    link.call("activate", ["event": .map(event.fields)]) { [weak self] in self?.answered($0.map { _ in }) }
  }

  private func limitActivation() {
    guard let deadline = time?.deadline else { return clearTimer() }
    let limit = limits.activation(of: manifest)
    setTimer(deadline - loop.now) { [unowned self] in
      let isBudget = manifest.budget.activation != nil
      end(
        AgentFailure(
          isBudget ? .activation : .stuck,
          isBudget
            ? "an activation took longer than budget.activation of \(limit.text)"
            : "it did not answer an event within \(limit.text)"))
    }
  }

  /// It begins to wait for a model, or no longer does.
  private func waits(_ begins: Bool) {
    guard case .handling = phase, failure == nil else { return }
    if begins { time?.pause(at: loop.now) } else { time?.resume(at: loop.now) }
    limitActivation()
  }

  private func answered(_ result: Result<Void, CallFailure>) {
    // After a failure of the connection, the end of the program is the answer.
    guard case .handling(let done) = phase, failure == nil else { return }
    let outcome: Result<Void, AgentFailure>
    switch result {
    case .success: outcome = .success(())
    case .failure(.refused(let error)): outcome = .failure(AgentFailure(.error, error.message))
    case .failure: return
    }
    clearTimer()
    phase = .waiting
    lastCost = cost
    done(outcome)
  }

  private var cost: ActivationCost? { time?.cost(at: loop.now) }

  func snapshot(_ done: @escaping (Value) -> Void) {
    guard case .waiting = phase, let link, !isReporting else { return done(lastReport) }
    isReporting = true
    link.call("snapshot") { [weak self] result in
      // If the connection has ended, the program may be in the middle of its report.
      if case .failure(.closed) = result {} else { self?.isReporting = false }
      if case .success(let answer) = result, let report = answer.result["snapshot"], report.map != nil {
        self?.lastReport = report
      }
      done(self?.lastReport ?? .map([:]))
    }
  }

  // MARK: Use

  /// Measures a working agent every second. One that waits is measured, less often, if no control group limits its CPU
  /// time, or it has a folder.
  private func sample() {
    guard let program else { return }
    launcher.measure(program)
    sampleLater()
  }

  /// A measurement of a waiting agent may be far off.
  private func hurrySample() {
    if let sampleDue, sampleDue <= loop.now + limits.sampling { return }
    if let timer = sampleTimer.take() { loop.cancel(timer) }
    sampleLater()
  }

  private func sampleLater() {
    let isWorking = if case .handling = phase { true } else { false }
    let isLimited = launcher.facts?.controllers.contains(.cpu) ?? false
    if let timer = sampleTimer.take() { loop.cancel(timer) }
    sampleDue = nil
    guard isWorking || !isLimited || manifest.permissions.data != nil else { return }
    let due = loop.now + (isWorking ? limits.sampling : limits.sampling * 5)
    sampleDue = due
    sampleTimer = loop.schedule(at: due) { [unowned self] in
      sampleTimer = nil
      sample()
    }
  }

  private func note(_ new: LaunchUsage) {
    let cpu = new.cpu > usage.cpu ? new.cpu - usage.cpu : 0
    usage = new
    if new.memory > 0 { _ = (host as? any MemoryLimiter)?.memory(holding: Int64(clamping: new.memory)) }
    if cpu > 0 { (host as? any UsageRecorder)?.used(cpu: cpu) }
    if let most = manifest.permissions.data { note(data: new.data, most: UInt64(most)) }
  }

  /// An agent that finds too much in its folder may tidy up, for ten seconds.
  private func note(data size: UInt64, most: UInt64) {
    let first = firstData ?? (size, loop.now + .seconds(10))
    firstData = first
    guard size > most, size > first.size || loop.now > first.due else { return }
    func shown(_ bytes: UInt64) -> String { EventSentence.byteCount(Int64(clamping: bytes)) }
    let contents = size == .max ? "more files or folders than can be counted" : "\(shown(size)) (\(size) bytes)"
    end(
      AgentFailure(
        .data, "its folder \(DataFolders.mount) has \(contents) in it; permissions.data allows \(shown(most))"))
  }

  // MARK: End

  /// `stop` first; SIGTERM after two thirds of the grace time, for programs that do not follow the protocol. The caller
  /// calls again with `now: true` when the grace time has elapsed.
  func stop(now: Bool, _ done: @escaping () -> Void) {
    ended = nil
    if case .ended = phase { return done() }
    waitingForEnd.append(done)
    guard let program else { return }
    if now { return launcher.kill(program) }
    guard !isStopping else { return }
    isStopping = true
    link?.call("stop") { _ in }
    signalTimer = loop.schedule(after: manifest.policy.grace * 2 / 3) { [unowned self] in
      signalTimer = nil
      launcher.signal(program, SIGTERM)
    }
  }

  /// Ends the program after a failure; `finish` follows.
  private func end(_ failure: AgentFailure) {
    if self.failure == nil { self.failure = failure }
    clearTimer()
    if let program { launcher.kill(program) }
  }

  /// A program usually ends after it has closed its socket. One that lives on is ended.
  private func connectionEnded(_ end: AgentLink.End) {
    switch end {
    case .broken(let sentence): self.end(AgentFailure(.protocolViolation, "it \(sentence)"))
    case .closed:
      // An engine needs time to say that a container has ended, and why.
      setTimer(kind == .engine ? .seconds(10) : .seconds(1)) { [unowned self] in
        self.end(AgentFailure(.protocolViolation, "it closed descriptor 3 and went on running"))
      }
    }
  }

  private func failure(of end: LaunchEnd) -> AgentFailure {
    if end.isOutOfMemory {
      return AgentFailure(.memory, "the kernel ended it at its memory limit of \(limitText)")
    }
    if let failure { return failure }
    let words = output.flatMap { output -> String? in
      output.finish()
      return output.last.map { "; its last line: \($0)" }
    }
    if end.isEngineAway {
      return AgentFailure(.engineAway, output?.last ?? "the engine that holds its container is away")
    }
    let isStart = if case .starting = phase { true } else { false }
    let ended =
      end.code > 128 ? "signal \(end.code - 128) ended it" : "it exited with code \(end.code)"
    // 125 to 127 are podman's own (podman-run(1)), and the stage's; a signal has ended podman, or its helpers.
    if isStart, kind != .program, end.code >= 125 {
      // The stage of an engine says who cannot do what.
      if kind == .engine, let last = output?.last {
        return AgentFailure(.startFailed, "the container cannot be started: \(last)")
      }
      let words = words ?? (end.code > 128 ? ": signal \(end.code - 128) ended it" : "")
      return AgentFailure(
        .startFailed, "\(kind == .engine ? "the Docker engine" : "podman") cannot start the container\(words)")
    }
    if isStart {
      let hint = end.code == 0 && words == nil ? ": it has to say so, as openstarry.run() and Agent.main() do" : ""
      return AgentFailure(.startFailed, "\(ended) before it was ready\(hint)\(words ?? "")")
    }
    if end.code == 0 { return AgentFailure(.completed, ended) }
    return AgentFailure(.crash, ended + (words ?? ""))
  }

  private var limitText: String { "\((manifest.budget.memory ?? limits.memory) >> 20) MiB" }

  /// Nothing of the program is left.
  private func finish(_ failure: AgentFailure) {
    let (last, leavesEvent) = (phase, isReporting)
    phase = .ended
    program = nil
    pid = nil
    tidy()
    let ended = self.ended.take()
    if case .starting(let started) = last {
      let reason = failure.reason == .completed || failure.reason == .crash ? ExitReason.startFailed : failure.reason
      started(.failure(AgentFailure(reason, failure.message)))
    } else {
      let isHandling = if case .handling = last { true } else { false }
      ended?(AgentEnd(failure, leavesEvent: isHandling && leavesEvent, cost: isHandling ? cost : nil))
    }
    let waiting = waitingForEnd
    waitingForEnd = []
    for done in waiting { done() }
  }

  private func tidy() {
    clearTimer()
    for timer in [signalTimer.take(), sampleTimer.take()] { if let timer { loop.cancel(timer) } }
    output?.finish()
    link?.close()
    network?.close()
    (link, output, network) = (nil, nil, nil)
  }

  private func setTimer(_ time: Duration, _ action: @escaping () -> Void) {
    clearTimer()
    timer = loop.schedule(after: time) { [unowned self] in
      timer = nil
      action()
    }
  }

  private func clearTimer() { if let timer = timer.take() { loop.cancel(timer) } }
}

import EventLoop
import Glibc
import Launcher
import LauncherClient
import Linux
import Model
import Wire

/// Runs one probe in a sandbox, from its start until nothing of it is left.
final class ProbeRun {
  /// How long a probe that was told to end may take.
  static let patience = Duration.seconds(5)
  /// How often CPU time is measured.
  private static let sampling = Duration.milliseconds(100)
  /// How long a probe that ignores SIGTERM is watched.
  private static let grace = Duration.milliseconds(200)

  private let probe: LimitProbe
  private let loop: EventLoop
  private let launcher: LauncherLink
  private let done: (ProbeTrace) -> Void
  private var trace = ProbeTrace()
  private var program: UInt32?
  private var output: AgentOutput?
  /// Its descriptor 3: nobody answers.
  private var socket: Descriptor?
  private var began: Instant
  private var ordered: Instant?
  private var timer: TimerID?
  private var sampleTimer: TimerID?
  private var isOver = false

  /// Starts the probe.
  /// - Parameter done: called once, later.
  init(
    _ probe: LimitProbe, _ sandbox: Sandbox, on loop: EventLoop, _ launcher: LauncherLink,
    _ done: @escaping (ProbeTrace) -> Void
  ) {
    self.probe = probe
    self.loop = loop
    self.launcher = launcher
    self.done = done
    began = loop.now
    do throws(SystemError) {
      let sockets = try UnixSocket.pair()
      socket = Descriptor(owning: sockets.0)
      let theirs = Descriptor(owning: sockets.1)
      let log = try AgentOutput.open()
      let output = AgentOutput(Descriptor(owning: log.daemon), on: loop) { [unowned self] in take($0) }
      let writing = Descriptor(owning: log.program)
      let confinement = sandbox.confinement
      guard let place = confinement.filter else { throw SystemError("find", "openstarry-agent.bpf", errno: ENOENT) }
      let filter = try System.open(place, O_RDONLY)
      output.onEnd = { [unowned self] in logEnded() }
      try output.start()
      self.output = output
      program = try launcher.start(
        { confinement.plan($0, name: "probe", probe.limits) }, [theirs.number, writing.number, filter.number]
      ) { [self] in take($0) }
      setTimer(probe.limit) { [unowned self] in kill() }
    } catch {
      trace.problem = "the probe cannot be started: \(error)"
      loop.later { [self] in finish() }
    }
  }

  private func take(_ line: String) {
    if trace.lines.count < 64 {
      trace.lines.append(line)
    } else {
      trace.lines[63] = line
    }
    guard probe == .kill, line.hasPrefix("deaf"), ordered == nil, let program else { return }
    launcher.signal(program, SIGTERM)
    setTimer(Self.grace) { [unowned self] in
      trace.outlivedSignal = trace.end == nil
      kill()
    }
  }

  private func take(_ news: LauncherLink.News) {
    switch news {
    case .started:
      began = loop.now
      if probe == .cpu { measureLater() }
    case .usage(let usage):
      trace.measured = max(trace.measured, usage.cpu)
      measureLater()
    case .refused(let why), .lost(let why):
      trace.problem = why
      finish()
    case .ended(let end):
      trace.end = end
      if trace.isGone { return finish() }
      setTimer(Self.patience) { [unowned self] in finish() }
    }
  }

  private func measureLater() {
    guard !isOver else { return }
    sampleTimer = loop.schedule(after: Self.sampling) { [unowned self] in
      sampleTimer = nil
      if let program, trace.end == nil { launcher.measure(program) }
    }
  }

  private func logEnded() {
    trace.isGone = true
    if trace.end != nil { finish() }
  }

  private func kill() {
    guard let program else { return }
    ordered = loop.now
    launcher.kill(program)
    setTimer(Self.patience) { [unowned self] in finish() }
  }

  private func finish() {
    guard !isOver else { return }
    isOver = true
    for timer in [timer.take(), sampleTimer.take()] { if let timer { loop.cancel(timer) } }
    trace.elapsed = loop.now - began
    trace.ending = ordered.map { loop.now - $0 }
    trace.bytes = output?.received ?? 0
    output?.finish()
    output = nil
    done(trace)
  }

  private func setTimer(_ time: Duration, _ action: @escaping () -> Void) {
    guard !isOver else { return }
    if let timer { loop.cancel(timer) }
    timer = loop.schedule(after: time) { [unowned self] in
      timer = nil
      action()
    }
  }
}

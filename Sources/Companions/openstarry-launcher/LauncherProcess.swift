import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Launcher
#endif

/// The process that starts agents in their sandboxes. It has no privilege, holds their control groups, and reports what
/// they use and how they end. All of them end when the daemon does.
final class LauncherProcess {
  private typealias LauncherPacket = Packet<LauncherMessage>

  /// More programs than any board has room for.
  private static let most = 256

  private let daemon: Int32
  private let signals: Int32
  private let groups: ControlGroups
  private var programs: [Program] = []
  /// Groups of programs that have ended, not removed yet: the kernel may need some milliseconds to empty them.
  private var leftGroups: [[UInt8]] = []

  /// Serves one daemon until its connection ends, and ends all programs then.
  static func main() -> Never {
    // Nothing here runs as root: root in a user namespace that root has made is root for /proc/sys.
    Companion.dropRoot(to: "openstarry-agents", program: "openstarry-launcher")
    let launcher = LauncherProcess(Companion.connection(program: "openstarry-launcher"))
    while true { launcher.turn() }
  }

  private init(_ daemon: Int32) {
    self.daemon = daemon
    _ = openstarry_fcntl(daemon, F_SETFL, O_NONBLOCK)
    _ = openstarry_fcntl(daemon, F_SETFD, 1)
    signals = Companion.signals([SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ])
    // Processes that have lost their parent come to us, so that none is left alone.
    openstarry_adopt_orphans()
    groups = ControlGroups()
    Companion.releaseStandardStreams()
    send(
      .ready(
        LauncherFacts(
          uid: geteuid(), controllers: groups.controllers, landlock: UInt32(max(0, openstarry_landlock_abi())))))
  }

  // MARK: Waiting

  private func turn() {
    var watched = [pollfd](repeating: pollfd(fd: -1, events: Int16(POLLIN), revents: 0), count: 2)
    watched[0].fd = daemon
    watched[1].fd = signals
    // SAFETY: two structures, which the kernel fills in.
    let count = unsafe poll(&watched, 2, leftGroups.isEmpty && !isStarting ? -1 : 20)
    if count < 0 {
      guard openstarry_errno() == EINTR else { exit(71) }
      return
    }
    if watched[1].revents != 0 { takeSignals() }
    if watched[0].revents != 0 { hearDaemon() }
    removeGroups()
    for index in programs.indices { programs[index].settle(groups) }
  }

  /// Whether podman is starting a container.
  private var isStarting: Bool {
    for program in programs where program.isStarting { return true }
    return false
  }

  private func takeSignals() {
    var isAskedToEnd = false
    while let number = Companion.nextSignal(signals) {
      if number == SIGTERM || number == SIGINT { isAskedToEnd = true }
    }
    reap()
    if isAskedToEnd { end() }
  }

  private func hearDaemon() {
    while true {
      var packet = LauncherPacket.receive(daemon)
      switch packet.result {
      case .nothing: return
      case .ended: end()
      case .unknown: break
      case .message(let message): hear(message, &packet)
      }
      packet.closeRest()
    }
  }

  private func hear(_ message: LauncherMessage, _ packet: inout LauncherPacket) {
    switch message {
    case .start(let plan): start(plan, packet.takeAll())
    case .signal(let id, let number): program(id)?.signal(number)
    case .kill(let id): program(id)?.kill()
    case .measure(let id): if let program = program(id) { send(.usage(id: id, program.usage)) }
    default: break
    }
  }

  // MARK: Programs

  private func program(_ id: UInt32) -> Program? {
    for program in programs where program.id == id { return program }
    return nil
  }

  private func start(_ plan: LaunchPlan, _ descriptors: [Int32]) {
    defer { for number in descriptors { close(number) } }
    guard program(plan.id) == nil, programs.count < Self.most else {
      return send(.refused(id: plan.id, step: .plan, errno: EAGAIN))
    }
    let started = Program.start(plan, descriptors, groups)
    guard let program = started.program else {
      return send(.refused(id: plan.id, step: started.step, errno: started.errno))
    }
    programs.append(program)
    send(.started(id: plan.id, pid: program.process))
  }

  private func reap() {
    while true {
      var status: Int32 = 0
      var used = rusage()
      // SAFETY: the kernel writes both locals.
      let process = unsafe openstarry_wait(&status, &used)
      if process <= 0 { return }
      // Others are orphans that came to us; they have ended.
      for index in programs.indices where programs[index].process == process {
        let program = programs.remove(at: index)
        report(program, status, used)
        break
      }
    }
  }

  private func report(_ program: Program, _ status: Int32, _ used: rusage) {
    let signal = openstarry_exit_signal(status)
    var end = LaunchEnd(code: signal != 0 ? 128 + signal : openstarry_exit_code(status))
    end.cpu = program.ownCPU(of: Self.nanoseconds(used.ru_utime) + Self.nanoseconds(used.ru_stime))
    end.peak = UInt64(max(0, used.ru_maxrss)) * 1024
    if !program.group.isEmpty { ControlGroups.kill(program.group) }
    end.isOutOfMemory = program.isOutOfMemory
    end.isEngineAway = program.isEngineAway
    if !program.group.isEmpty { leftGroups.append(program.group) }
    program.clear()
    send(.ended(id: program.id, end))
  }

  private static func nanoseconds(_ time: timeval) -> UInt64 {
    UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(max(0, time.tv_usec)) * 1000
  }

  private func removeGroups() {
    var left: [[UInt8]] = []
    for group in leftGroups where !SmallFiles.removeFolder(group) { left.append(group) }
    leftGroups = left
  }

  // MARK: End

  /// A daemon that does not read has hung: better end than lose the report of an end.
  private func send(_ message: LauncherMessage) {
    if !LauncherPacket.send(daemon, message) { end() }
  }

  /// Ends all programs and then this process.
  private func end() -> Never {
    for program in programs { program.kill() }
    // Reap them, or they would be left to init as zombies.
    var (status, used) = (Int32(0), rusage())
    var hasEngine = false
    for program in programs where program.isHeldByEngine { hasEngine = true }
    // An engine takes its time to end a container; without us systemd would end those who ask it to.
    for _ in 0..<(hasEngine ? 3000 : 100) {
      // SAFETY: the kernel writes both locals.
      while unsafe openstarry_wait(&status, &used) > 0 {}
      if openstarry_errno() == ECHILD { break }
      usleep(5000)
    }
    for program in programs where !program.group.isEmpty { _ = SmallFiles.removeFolder(program.group) }
    exit(0)
  }
}

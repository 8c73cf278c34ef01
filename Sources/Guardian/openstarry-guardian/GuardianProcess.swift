import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Guardian
#endif

/// The process that outlives the daemon. It holds the steps that make each output safe, carries them out when the
/// daemon dies, and hands the outputs over to the next daemon. While the daemon hangs, it ends overdue leases.
///
/// One thread waits in poll(2), without a timer unless an output is held or has failed. The code is limited to Embedded
/// Swift, so that the program has only a few pages where the compiler can build it that way.
final class GuardianProcess {
  private let daemon: Int32 = 3
  private let listener: Int32 = 4
  private let signals: Int32
  private let process: Int32
  private let pid: Int32
  private var successor: Int32 = -1
  private var outputs = Outputs()
  private var isCharged = false
  /// Whether the daemon has exited in order and left outputs that refuse or must stay driven.
  private var isLeft = false
  /// Whether an output must stay driven until the next daemon takes it over.
  private var isStaying = false
  /// When the daemon's end was noticed, and when every output had been tried; nil while the daemon lives.
  private var death: (noticed: UInt64, settled: UInt64?)?
  /// Whether the next daemon has taken over everything except outputs that are still being discarded.
  private var isTaken = false
  private var leases = LeaseWatch()
  /// When to check the leases of the living daemon next; nil for never.
  private var look: UInt64?

  /// Runs until there is nothing left to guard.
  static func main() -> Never {
    var peer = openstarry_peer()
    // SAFETY: the kernel fills in the structure.
    guard unsafe openstarry_peer_of(3, &peer) == 0, peer.pid > 0 else {
      LineText(guardian: "openstarryd starts this program; it does nothing on its own").write()
      exit(64)
    }
    // Call listen(2) here: SO_PEERCRED (unix(7)) reports whoever called it last, so clients see the guardian's pid
    // rather than the daemon's, and can kill the guardian if it does not answer.
    _ = listen(4, 16)
    // Descriptors that were inherited through the daemon must not be kept open.
    openstarry_close_from(5)
    let guardian = GuardianProcess(daemon: peer.pid)
    guardian.settle()
    GuardianPacket.send(3, .ready, [])
    while true { guardian.turn() }
  }

  private init(daemon: Int32) {
    pid = daemon
    // Never block on a daemon that hangs and does not read.
    _ = openstarry_fcntl(self.daemon, F_SETFL, O_NONBLOCK)
    // Signals that are meant for the daemon must not end its guardian. SIGXFSZ: if a file may not grow (RLIMIT_FSIZE), it
    // is enough that the write fails.
    signals = Companion.signals([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ])
    // -1 if the kernel has no pidfds; the end of the connection shows the death as well, even a little earlier.
    process = openstarry_pidfd_open(daemon)
  }

  /// Releases the standard streams, locks the memory, raises the priority, and asks the OOM killer to spare the
  /// process.
  private func settle() {
    Companion.releaseStandardStreams()
    // May fail: locking may not be allowed.
    _ = openstarry_lock_memory()
    // On a busy machine, waiting for the CPU is most of the reaction time.
    _ = openstarry_run_first()
    let file = unsafe openstarry_open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0)
    if file >= 0 {
      _ = unsafe CLinux.write(file, "-1000", 5)
      close(file)
    }
  }

  // MARK: Waiting

  private func turn() {
    var watched = [pollfd](repeating: pollfd(fd: -1, events: Int16(POLLIN), revents: 0), count: 5)
    watched[0].fd = death == nil ? daemon : -1
    watched[1].fd = death == nil ? process : -1
    watched[2].fd = listener
    watched[3].fd = signals
    watched[4].fd = successor
    // SAFETY: five structures, which the kernel fills in.
    let count = unsafe poll(&watched, 5, timeout())
    if count < 0 {
      guard openstarry_errno() == EINTR else { exit(71) }
      return
    }
    // Before a death that is seen at the same time: signals until then were meant for the daemon.
    if watched[3].revents != 0 { takeSignals() }
    if death == nil {
      if watched[0].revents != 0 { hearDaemon() }
      if death == nil, watched[1].revents != 0 { daemonDied() }
      if death == nil, let look, look <= Companion.monotonicNow() { lookAtLeases() }
    }
    if successor >= 0, watched[4].revents != 0 { hearSuccessor() }
    if watched[2].revents != 0 { accept() }
    // Last, because a transfer may take long.
    if death != nil { settleDue() }
    // All outputs that were left are safe or gone. A connected successor decides on its own when to end this process.
    if isLeft, !isStaying, successor < 0, outputs.due == nil { exit(0) }
  }

  /// The time in milliseconds until the next lease check or retry; -1, which means no limit, when none is due.
  private func timeout() -> Int32 {
    guard let due = death == nil ? look : outputs.due else { return -1 }
    let now = Companion.monotonicNow()
    return due <= now ? 0 : Int32(min((due - now) / 1_000_000 + 1, 3_600_000))
  }

  // MARK: The daemon

  private func hearDaemon() {
    // Read all pending messages before believing that the daemon has ended.
    while true {
      var packet = GuardianPacket.receive(daemon)
      switch packet.result {
      case .nothing: return
      case .ended: return daemonDied()
      case .message(let message): hear(message, &packet)
      case .unknown: break
      }
      packet.closeRest()
      if isLeft { return }
    }
  }

  private func hear(_ message: GuardianMessage, _ packet: inout GuardianPacket) {
    switch message {
    case .page: outputs.map(packet.take(0))
    case .protect(let record):
      if record.isSound(descriptors: packet.count) { outputs.protect(record, packet.takeAll()) }
    case .withdraw(let device): outputs.forget(device)
    case .charge: isCharged = true
    case .end: exit(0)
    case .leave(let staying):
      isLeft = true
      isStaying = staying
      daemonDied()
    case .watch(let deadline):
      leases.hear(deadline)
      outputs.reconsider(deadline)
      look = min(look ?? .max, LeaseWatch.look(deadline))
    case .lapse(let device, let steps): outputs.lapse(device, steps)
    default: break
    }
  }

  /// Ends overdue leases and tells the daemon. The message may get lost: those leases have ended by the daemon's own
  /// clock as well.
  private func lookAtLeases() {
    let now = Companion.monotonicNow()
    // Read the page right before acting: the daemon may be awake again.
    outputs.overrule(now: now)
    for output in outputs.advance(now, isLogged: true).overruled { GuardianPacket.send(daemon, .overruled(output), []) }
    look = leases.next(after: now, earliest: outputs.earliestDeadline)
    if let due = outputs.due { look = min(look ?? due, due) }
  }

  private func daemonDied() {
    // If this guardian is not in charge yet, its predecessor still is.
    guard isCharged else { exit(0) }
    let noticed = Companion.monotonicNow()
    death = (noticed, nil)
    outputs.takeCharge(now: noticed)
  }

  /// Carries out due work after the daemon's death: at first all outputs, later leases that end and failed steps.
  private func settleDue() {
    for output in outputs.advance(Companion.monotonicNow(), isLogged: death?.settled != nil).discarded
    where successor >= 0 {
      GuardianPacket.send(successor, .discarded(device: output.device, errno: output.errno), [])
    }
    if death?.settled == nil, !outputs.isNew {
      death?.settled = Companion.monotonicNow()
      announce()
    }
    if isTaken, !outputs.isDiscarding { exit(0) }
  }

  private func takeSignals() {
    var isAskedToEnd = false
    while let number = Companion.nextSignal(signals) { if number == SIGTERM { isAskedToEnd = true } }
    // While the daemon lives, it decides when its guardian ends. Later, SIGTERM releases the lines for other programs.
    guard isAskedToEnd, death != nil else { return }
    outputs.makeAllSafe()
    exit(0)
  }

  // MARK: The next daemon

  private func accept() {
    let socket = openstarry_accept(listener)
    guard socket >= 0 else { return }
    var peer = openstarry_peer()
    // SAFETY: the kernel fills in the structure.
    guard unsafe openstarry_peer_of(socket, &peer) == 0, peer.uid == geteuid() || peer.uid == 0 else {
      close(socket)
      return
    }
    guard death != nil else {
      GuardianPacket.send(socket, .refused(pid: pid), [])
      close(socket)
      return
    }
    // Only the newest successor can be alive.
    if successor >= 0 { close(successor) }
    successor = socket
    hearSuccessor()
  }

  private func hearSuccessor() {
    var packet = GuardianPacket.receive(successor)
    defer { packet.closeRest() }
    switch packet.result {
    case .nothing, .unknown: return
    case .ended: endSuccessor()
    case .message(.hello): report()
    case .message(.discard(let device)):
      if outputs.discard(device) { GuardianPacket.send(successor, .discarded(device: device, errno: 0), []) }
    case .message(.take):
      if !outputs.isDiscarding { exit(0) }
      isTaken = true
      outputs.forgetRest()
    case .message: return
    }
  }

  /// The successor has gone or does not read: keeps all outputs and waits for another.
  private func endSuccessor() {
    close(successor)
    successor = -1
  }

  private func report() {
    guard let death else { return }
    let report = GuardianReport(
      pid: pid, died: death.noticed, settled: death.settled ?? Companion.monotonicNow(),
      outputs: UInt32(outputs.all.count),
      wasLeft: isLeft)
    var isHeard = GuardianPacket.send(successor, .report(report), [])
    for output in outputs.all where isHeard {
      let kept = KeptOutput(
        record: output.record, outcome: output.outcome, errno: output.errno, hold: output.hold)
      isHeard = GuardianPacket.send(successor, .kept(kept), output.descriptors)
    }
    if !isHeard { endSuccessor() }
  }

  // MARK: Log

  private func announce() {
    guard let death, let settled = death.settled else { return }
    var line = LineText(guardian: "the daemon (process ")
    line.add(UInt64(pid))
    line.add(isLeft ? ") has ended and left outputs; " : ") has died; ")
    line.add(UInt64(outputs.all.count))
    line.add(" outputs dealt with in ")
    line.add((settled - death.noticed) / 1000)
    line.add(" us")
    line.write()
    for output in outputs.all where isLeft || output.hold != nil || output.outcome == .failed {
      output.announce(death.noticed)
    }
  }
}

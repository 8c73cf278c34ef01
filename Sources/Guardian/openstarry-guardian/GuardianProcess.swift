import CLinux

#if !hasFeature(Embedded)
  import Guardian
#endif

/// The companion that outlives the daemon: it keeps what makes each output safe, waits for the daemon's death, does it,
/// and answers the next daemon.
///
/// While the daemon lives it ends the leases that the daemon should have ended and has not.
///
/// One thread that waits in poll(2), without a timer unless an output is held or has failed. Nothing here needs more of
/// Swift than its embedded form has, so that the program is a few pages where the compiler can build it so.
final class GuardianProcess {
  private let daemon: Int32 = 3
  private let listener: Int32 = 4
  private let signals: Int32
  private let process: Int32
  private let pid: Int32
  private var successor: Int32 = -1
  private var outputs = Outputs()
  private var isCharged = false
  /// The daemon has ended in order, and has left what refuses or is to be driven on.
  private var isLeft = false
  /// Something is to be driven until the next daemon has it.
  private var isStaying = false
  /// When the daemon's end was noticed, and when every output had been dealt with; nil while that is not so.
  private var death: (noticed: UInt64, settled: UInt64?)?
  /// The next daemon has everything in its hands, but for what is being discarded.
  private var isTaken = false
  private var leases = LeaseWatch()
  /// When the leases of a living daemon are looked at next; nil for never.
  private var look: UInt64?

  /// Runs until there is nothing left to guard.
  static func main() -> Never {
    var peer = openstarry_peer()
    // SAFETY: the kernel fills in the structure.
    guard unsafe openstarry_peer_of(3, &peer) == 0, peer.pid > 0 else {
      LineText("openstarryd starts this program; it is of no use alone").write()
      exit(64)
    }
    // Whoever connects is told the process that has called this last (SO_PEERCRED, unix(7)): the one to end should it not
    // answer, and not the daemon that has made the socket.
    _ = listen(4, 16)
    // What the daemon was started with is not ours to keep open.
    openstarry_close_from(5)
    let guardian = GuardianProcess(daemon: peer.pid)
    guardian.settle()
    Packet.send(3, .ready, [])
    while true { guardian.turn() }
  }

  private init(daemon: Int32) {
    pid = daemon
    // A daemon that does not answer does not read either.
    _ = openstarry_fcntl(self.daemon, F_SETFL, O_NONBLOCK)
    signals = Self.catchSignals()
    // -1 where the kernel has none: the connection's end tells the same, a little earlier.
    process = openstarry_pidfd_open(daemon)
  }

  /// What is meant for the daemon does not end its guardian.
  private static func catchSignals() -> Int32 {
    var set = sigset_t()
    // SAFETY: the set is a local, copied by the calls.
    unsafe sigemptyset(&set)
    // SIGXFSZ: where a file may not grow (RLIMIT_FSIZE) the write fails, which is enough.
    for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ] {
      unsafe sigaddset(&set, number)
    }
    unsafe sigprocmask(SIG_BLOCK, &set, nil)
    return unsafe openstarry_signal_descriptor(&set)
  }

  /// Makes itself small, and hard to get rid of.
  private func settle() {
    for number: Int32 in 0...1 {
      let null = unsafe openstarry_open("/dev/null", O_RDWR | O_CLOEXEC, 0)
      if null >= 0 {
        dup2(null, number)
        close(null)
      }
    }
    // Where locking is not allowed, so be it.
    _ = openstarry_lock_memory()
    // On a busy machine the wait for the processor is most of what its work takes.
    _ = openstarry_go_first()
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
    // Before a death that is seen at the same time: what came until then was meant for the daemon.
    if watched[3].revents != 0 { takeSignals() }
    if death == nil {
      if watched[0].revents != 0 { hearDaemon() }
      if death == nil, watched[1].revents != 0 { daemonDied() }
      if death == nil, let look, look <= monotonicNow() { lookAtLeases() }
    }
    if successor >= 0, watched[4].revents != 0 { hearSuccessor() }
    if watched[2].revents != 0 { accept() }
    // Last, since a transfer may take its time.
    if death != nil { settleDue() }
    // What was left is done, or gone; a successor that is at it has the last word.
    if isLeft, !isStaying, successor < 0, outputs.due == nil { exit(0) }
  }

  /// Until the next lease ends, or a step is tried again; for ever while nothing is held.
  private func timeout() -> Int32 {
    guard let due = death == nil ? look : outputs.due else { return -1 }
    let now = monotonicNow()
    return due <= now ? 0 : Int32(min((due - now) / 1_000_000 + 1, 3_600_000))
  }

  // MARK: The daemon

  private func hearDaemon() {
    // Whatever it said before its end is heard before its end is believed.
    while true {
      var packet = Packet.receive(daemon)
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

  private func hear(_ message: GuardianMessage, _ packet: inout Packet) {
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

  /// Ends what is overdue, and says so. One that is not heard has run out by the daemon's own clock, too.
  private func lookAtLeases() {
    let now = monotonicNow()
    // Looked at right before something is done: the daemon may be awake again.
    outputs.overrule(now: now)
    for output in outputs.goOn(now, isTold: true).overruled { Packet.send(daemon, .overruled(output), []) }
    look = leases.next(after: now, earliest: outputs.earliestDeadline)
    if let due = outputs.due { look = min(look ?? due, due) }
  }

  private func daemonDied() {
    // A guardian that was not yet in charge has a predecessor that is.
    guard isCharged else { exit(0) }
    let noticed = monotonicNow()
    death = (noticed, nil)
    outputs.takeCharge(now: noticed)
  }

  /// Does what is due of a daemon's that has died: leases that have ended, steps that failed, and at first everything.
  private func settleDue() {
    for output in outputs.goOn(monotonicNow(), isTold: death?.settled != nil).discarded where successor >= 0 {
      Packet.send(successor, .discarded(device: output.device, errno: output.errno), [])
    }
    if death?.settled == nil, !outputs.isNew {
      death?.settled = monotonicNow()
      announce()
    }
    if isTaken, !outputs.isDiscarding { exit(0) }
  }

  private func takeSignals() {
    var info = signalfd_siginfo()
    var isAskedToEnd = false
    // SAFETY: the kernel writes one whole structure, or nothing.
    while unsafe CLinux.read(signals, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
      if info.ssi_signo == UInt32(SIGTERM) { isAskedToEnd = true }
    }
    // While the daemon lives its end is the daemon's to decide; afterwards somebody may want the lines for himself.
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
      Packet.send(socket, .refused(pid: pid), [])
      close(socket)
      return
    }
    // The last one that asks is the one that lives.
    if successor >= 0 { close(successor) }
    successor = socket
    hearSuccessor()
  }

  private func hearSuccessor() {
    var packet = Packet.receive(successor)
    defer { packet.closeRest() }
    switch packet.result {
    case .nothing, .unknown: return
    case .ended: endSuccessor()
    case .message(.hello): report()
    case .message(.discard(let device)):
      if outputs.discard(device) { Packet.send(successor, .discarded(device: device, errno: 0), []) }
    case .message(.take):
      if !outputs.isDiscarding { exit(0) }
      isTaken = true
      outputs.forgetRest()
    case .message: return
    }
  }

  /// It has gone, or does not listen: everything here stays as it is.
  private func endSuccessor() {
    close(successor)
    successor = -1
  }

  private func report() {
    guard let death else { return }
    let report = GuardianReport(
      pid: pid, died: death.noticed, settled: death.settled ?? monotonicNow(), outputs: UInt32(outputs.all.count),
      wasLeft: isLeft)
    var isHeard = Packet.send(successor, .report(report), [])
    for output in outputs.all where isHeard {
      let kept = KeptOutput(
        record: output.record, outcome: output.outcome, errno: output.errno, hold: output.hold)
      isHeard = Packet.send(successor, .kept(kept), output.descriptors)
    }
    if !isHeard { endSuccessor() }
  }

  // MARK: What people read

  private func announce() {
    guard let death, let settled = death.settled else { return }
    var line = LineText("the daemon (process ", level: 3)
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

/// clock_gettime(2) CLOCK_MONOTONIC, in nanoseconds.
func monotonicNow() -> UInt64 {
  var time = timespec()
  // SAFETY: the kernel fills in the structure; this clock always exists.
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

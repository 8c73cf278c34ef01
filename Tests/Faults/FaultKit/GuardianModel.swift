import Guardian
import Model

/// One guardian of a run, a process that outlives its daemon: the real verdicts and the real watch over leases, on
/// simulated wires.
final class GuardianModel {
  private let page: SharedPage
  private let drive: (DeviceID, Double) -> Bool
  private let line: Timeline
  private let tell: (OverruledOutput) -> Void
  /// It runs.
  private(set) var isAlive = true
  /// A daemon's death is its business; before that it ends with its daemon.
  var isCharged = false
  /// What it keeps as it was, since its daemon died.
  private(set) var kept: [DeviceID: OutputHold] = [:]
  private var timers: [TimerID] = []
  /// When leases are looked at while the daemon lives.
  private var leases = LeaseWatch()
  private var look: (timer: TimerID, at: UInt64)?
  /// The deadlines of holds that were ended over the daemon's head.
  private var overruled: [DeviceID: UInt64] = [:]
  /// What did not take it, and when it is told again.
  private var refusals: [DeviceID: (due: UInt64, pause: UInt64)] = [:]

  /// - Parameters:
  ///   - drive: drives an output on a descriptor that the guardian has; returns whether it took the level.
  ///   - tell: tells the daemon that a lease was ended over its head.
  init(
    _ page: SharedPage, drive: @escaping (DeviceID, Double) -> Bool, _ line: Timeline,
    tell: @escaping (OverruledOutput) -> Void
  ) {
    self.page = page
    self.drive = drive
    self.line = line
    self.tell = tell
  }

  /// It ends, or is killed. Whatever it kept is left as it is, with nobody to see to it.
  func end() {
    isAlive = false
    kept = [:]
    lookNoMore()
    for timer in timers { line.cancel(timer) }
    timers = []
  }

  /// The daemon has died, and it has noticed.
  func daemonDied() {
    guard isAlive else { return }
    guard isCharged else { return end() }
    lookNoMore()
    for output in page.outputs {
      let hold = page.hold(output.slot)
      switch GuardianVerdict.of(output.policy, hold, now: line.now.nanoseconds) {
      case .act: makeSafe(output)
      case .keep(let deadline):
        kept[output.id] = hold
        wait(until: Instant(nanoseconds: deadline)) {
          $0.kept[output.id] = nil
          $0.makeSafe(output)
        }
      }
    }
  }

  /// The daemon ends in order, and has not got these to be safe, or they are to be driven on: it goes on with them, and
  /// with nothing else.
  func leave(_ devices: [DeviceID]) {
    guard isAlive, !devices.isEmpty else { return end() }
    lookNoMore()
    for output in page.outputs where devices.contains(output.id) { makeSafe(output) }
  }

  private func makeSafe(_ output: SharedPage.Output) {
    if !drive(output.id, output.safe) { wait(until: line.now + .milliseconds(100)) { $0.makeSafe(output) } }
  }

  private func wait(until time: Instant, _ action: @escaping (GuardianModel) -> Void) {
    timers.append(line.schedule(at: time) { [weak self] in if let self { action(self) } })
  }
}

// A daemon that lives and does not answer.
extension GuardianModel {
  /// It is told that there is a hold with this deadline.
  func hear(_ deadline: UInt64) {
    guard isAlive else { return }
    leases.hear(deadline)
    overruled = overruled.filter { $0.value != deadline }
    lookBy(LeaseWatch.look(deadline))
  }

  /// It gets the processor before the daemon does, after both had none.
  func goFirst() { if let look, look.at <= line.now.nanoseconds { lookAtLeases() } }

  private func lookNoMore() {
    if let look = look.take() { line.cancel(look.timer) }
  }

  private func lookBy(_ time: UInt64?) {
    guard let time, look.map({ $0.at > time }) ?? true else { return }
    lookNoMore()
    let timer = line.schedule(at: Instant(nanoseconds: time)) { [weak self] in self?.lookAtLeases() }
    look = (timer, time)
  }

  private func lookAtLeases() {
    lookNoMore()
    let now = line.now.nanoseconds
    var earliest: UInt64?
    for output in page.outputs {
      let (id, hold) = (output.id, page.hold(output.slot))
      guard let hold, LeaseWatch.isOverdue(hold.deadline, now: now) else {
        (overruled[id], refusals[id]) = (nil, nil)
        if let hold { earliest = min(earliest ?? .max, hold.deadline) }
        continue
      }
      let isNew = overruled[id] != hold.deadline
      guard isNew || refusals[id].map({ $0.due <= now }) ?? false else { continue }
      overruled[id] = hold.deadline
      let isTaken = drive(id, output.safe)
      let pause = refusals[id].map { min($0.pause * 2, 10_000_000_000) } ?? 10_000_000
      refusals[id] = isTaken ? nil : (now + pause, pause)
      guard isNew else { continue }
      tell(OverruledOutput(device: Array(id.rawValue.utf8), hold: hold, time: now, errno: isTaken ? 0 : 5))
    }
    lookBy(leases.next(after: now, earliest: earliest))
    lookBy(refusals.values.map(\.due).min())
  }
}

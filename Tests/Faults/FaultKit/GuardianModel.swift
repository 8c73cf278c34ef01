import Guardian
import Model

/// One guardian of a run, which outlives its daemon: the guardian's real decisions and lease watch, on simulated
/// outputs.
final class GuardianModel {
  private let page: SharedPage
  private let drive: (DeviceID, Double) -> Bool
  private let line: Timeline
  private let tell: (OverruledOutput) -> Void
  private(set) var isAlive = true
  /// Whether it is in charge: it acts on its daemon's death. Before that it ends together with its daemon.
  var isCharged = false
  /// The outputs that it holds after its daemon's death.
  private(set) var kept: [DeviceID: OutputHold] = [:]
  private var timers: [TimerID] = []
  /// The lease watch while the daemon lives.
  private var leases = LeaseWatch()
  private var look: (timer: TimerID, at: UInt64)?
  /// The deadlines of leases that it ended instead of an unresponsive daemon.
  private var overruled: [DeviceID: UInt64] = [:]
  /// The outputs that did not accept their safe state, with the time of the next attempt and the back-off.
  private var refusals: [DeviceID: (due: UInt64, pause: UInt64)] = [:]

  /// - Parameters:
  ///   - drive: sends a level to an output through the guardian's descriptor; returns whether it succeeded.
  ///   - tell: informs the daemon that the guardian has ended a lease.
  init(
    _ page: SharedPage, drive: @escaping (DeviceID, Double) -> Bool, _ line: Timeline,
    tell: @escaping (OverruledOutput) -> Void
  ) {
    self.page = page
    self.drive = drive
    self.line = line
    self.tell = tell
  }

  /// It ends or is killed. The outputs that it held stay as they are, without supervision.
  func end() {
    isAlive = false
    kept = [:]
    lookNoMore()
    for timer in timers { line.cancel(timer) }
    timers = []
  }

  /// It has noticed its daemon's death.
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

  /// The daemon shuts down and leaves these outputs, because they are not safe yet or must be driven on. The guardian
  /// takes over only these.
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

// An unresponsive daemon.
extension GuardianModel {
  /// The daemon announces a lease with this deadline.
  func hear(_ deadline: UInt64) {
    guard isAlive else { return }
    leases.hear(deadline)
    overruled = overruled.filter { $0.value != deadline }
    lookBy(LeaseWatch.look(deadline))
  }

  /// After a time without CPU, it runs before the daemon does.
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

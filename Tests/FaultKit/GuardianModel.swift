import Guardian
import HAL
import HALSimulated
import Model
import Orchestrator

/// The guardian of a run: the real page, the real verdicts and the real watch over leases, on simulated wires. It
/// outlives the daemon, and dies by itself.
///
/// SAFETY: the page's memory lives as long as this object.
@safe final class GuardianModel {
  private let board: Board
  private let simulated: SimulatedBackend
  private let line: Timeline
  private let memory: UnsafeMutableRawPointer
  private var page: HolderPage
  private let slots: [DeviceID: (slot: Int, settings: ActuatorSettings)]
  /// What it keeps as it was, since a daemon died.
  private var kept: [DeviceID: OutputHold] = [:]
  /// It runs. Another one is started by the daemon.
  private(set) var isAlive = true
  /// Grows with each daemon and each guardian: whatever belongs to an earlier one is over.
  private var turn = 0
  /// When leases are looked at while the daemon lives: the daemon's side and the guardian's.
  private var told = LeaseWatch()
  private var heard = LeaseWatch()
  private var look: (timer: TimerID, at: UInt64)?
  /// The deadlines of holds that were ended over the daemon's head.
  private var overruled: [DeviceID: UInt64] = [:]
  /// What did not take it, and when it is told again.
  private var refusals: [DeviceID: (due: UInt64, pause: UInt64)] = [:]
  /// Tells the daemon that a lease was ended over its head.
  var tell: (OverruledOutput) -> Void = { _ in }

  init(_ board: Board, _ simulated: SimulatedBackend, _ line: Timeline) {
    self.board = board
    self.simulated = simulated
    self.line = line
    var slots: [DeviceID: (slot: Int, settings: ActuatorSettings)] = [:]
    for device in board.devices {
      if case .actuator(let settings) = device.kind { slots[device.id] = (slots.count, settings) }
    }
    self.slots = slots
    let size = HolderPage.size(slots: slots.count)
    unsafe memory = .allocate(byteCount: size, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    page = unsafe HolderPage(new: memory, slots: slots.count)
  }

  deinit { unsafe memory.deallocate() }

  /// It is killed. Whatever it kept is left as it is, with nobody to see to it.
  func die() {
    isAlive = false
    kept = [:]
    turn += 1
    lookNoMore()
  }

  /// The daemon has died, and it has noticed.
  func settle() {
    guard isAlive else { return }
    lookNoMore()
    let mine = turn
    for device in board.devices {
      guard let (slot, settings) = slots[device.id] else { continue }
      let hold = page.hold(slot)
      let policy: GuardianRecord.Policy =
        switch settings.onExit {
        case .safe: .safe
        case .hold: .hold
        case .input: .input
        }
      switch GuardianVerdict.of(policy, hold, now: line.now.nanoseconds) {
      case .act: makeSafe(device.id, settings, mine)
      case .keep(let deadline):
        kept[device.id] = hold
        line.schedule(at: Instant(nanoseconds: deadline)) { [weak self] in
          guard let self, turn == mine else { return }
          kept[device.id] = nil
          makeSafe(device.id, settings, mine)
        }
      }
    }
  }

  /// `ExecStopPost`: nobody is left who knows who held what.
  func makeAllSafe() { for (id, entry) in slots.sorted(by: { $0.key < $1.key }) { makeSafe(id, entry.settings, turn) } }

  /// The daemon ends, and has not got these to be safe.
  func take(_ devices: [DeviceID]) {
    guard isAlive else { return }
    for id in devices { if let entry = slots[id] { makeSafe(id, entry.settings, turn) } }
  }

  private func makeSafe(_ id: DeviceID, _ settings: ActuatorSettings, _ mine: Int) {
    guard turn == mine, !simulated.drive(id, to: settings.safe) else { return }
    line.schedule(after: .milliseconds(100)) { [weak self] in self?.makeSafe(id, settings, mine) }
  }

  /// A new daemon makes a page of its own, and starts a guardian that knows of no deadline.
  func begin() {
    for (slot, _) in slots.values { page.release(slot) }
    isAlive = true
    watchAnew()
  }

  /// A new daemon has opened its outputs; from now on it is a new guardian that sees to them, with a page that is empty
  /// but for what was taken over.
  func takeCharge() {
    turn += 1
    kept = [:]
    isAlive = true
  }

  /// The daemon notices that its guardian has died, and starts another one, which gets the same page.
  func startAgain() {
    isAlive = true
    watchAnew()
    if let deadline = slots.values.compactMap({ page.hold($0.slot)?.deadline }).min() { watch(deadline) }
  }

  /// The power went.
  func forget() {
    die()
    for (slot, _) in slots.values { page.release(slot) }
  }

  /// It gets the processor before the daemon does, after both had none.
  func goFirst() { if let look, look.at <= line.now.nanoseconds { lookAtLeases() } }
}

// A daemon that lives and does not answer.
extension GuardianModel {
  private func watchAnew() {
    (told, heard) = (LeaseWatch(), LeaseWatch())
    (overruled, refusals) = ([:], [:])
    lookNoMore()
  }

  private func lookNoMore() {
    if let look = look.take() { line.cancel(look.timer) }
  }

  /// The daemon's side: the page has a hold with this deadline.
  fileprivate func watch(_ deadline: UInt64) {
    guard told.mustTell(deadline, now: line.now.nanoseconds), isAlive else { return }
    heard.hear(deadline)
    overruled = overruled.filter { $0.value != deadline }
    lookBy(LeaseWatch.look(deadline))
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
    for device in board.devices {
      guard let (slot, settings) = slots[device.id] else { continue }
      let hold = page.hold(slot)
      guard let hold, LeaseWatch.isOverdue(hold.deadline, now: now) else {
        (overruled[device.id], refusals[device.id]) = (nil, nil)
        if let hold { earliest = min(earliest ?? .max, hold.deadline) }
        continue
      }
      let isNew = overruled[device.id] != hold.deadline
      guard isNew || refusals[device.id].map({ $0.due <= now }) ?? false else { continue }
      overruled[device.id] = hold.deadline
      let isTaken = simulated.drive(device.id, to: settings.safe)
      let pause = refusals[device.id].map { min($0.pause * 2, 10_000_000_000) } ?? 10_000_000
      refusals[device.id] = isTaken ? nil : (now + pause, pause)
      guard isNew else { continue }
      tell(OverruledOutput(device: Array(device.id.rawValue.utf8), hold: hold, time: now, errno: isTaken ? 0 : 5))
    }
    lookBy(heard.next(after: now, earliest: earliest))
    lookBy(refusals.values.map(\.due).min())
  }
}

// What a daemon that lives tells it.
extension GuardianModel {
  func slot(of device: DeviceID) -> Int? { slots[device]?.slot }

  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    page.hold(
      slot, level: level, deadline: lease.deadline.nanoseconds, since: since.nanoseconds,
      isCutByMaxOn: lease.isCutByMaxOn, holder: lease.holder.utf8)
    watch(lease.deadline.nanoseconds)
  }

  func release(_ slot: Int) { page.release(slot) }

  func inheritance(of device: DeviceID) -> OutputHold? { kept[device] }
}

/// What one daemon tells the guardian; one that is dead, or stuck, tells nothing.
final class LifeKeeper: CoreGuardian {
  var onOverruled: (OverruledOutput) -> Void = { _ in }
  private let guardian: GuardianModel
  private unowned let loop: ManualLoop

  init(_ guardian: GuardianModel, _ loop: ManualLoop) {
    self.guardian = guardian
    self.loop = loop
  }

  func start() {
    guardian.begin()
    guardian.tell = { [weak self, weak loop] output in loop?.post { self?.onOverruled(output) } }
  }
  func charge() { guardian.takeCharge() }
  func leave(_ devices: [DeviceID]) { if loop.isActive { guardian.take(devices) } }
  func slot(of device: DeviceID) -> Int? { guardian.slot(of: device) }
  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    if loop.isActive { guardian.hold(slot, level: level, lease: lease, since: since) }
  }
  func release(_ slot: Int) { if loop.isActive { guardian.release(slot) } }
  func inheritance(of device: DeviceID) -> OutputHold? { guardian.inheritance(of: device) }
}

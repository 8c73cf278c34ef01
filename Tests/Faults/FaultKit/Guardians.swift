import Guardian
import HAL
import HALSimulated
import Model
import Orchestrator

/// Which guardians there are: that of the daemon that lives, or lived last, and during a start that of the daemon before,
/// which stays in charge until the new one is (`GuardianLink`).
final class Guardians {
  private let board: Board
  private let wires: SimulatedBackend
  private let line: Timeline
  private var page: SharedPage
  private var current: GuardianModel?
  private var predecessor: GuardianModel?
  /// What the daemon knows that the one before has left.
  private var left: [DeviceID: OutputHold] = [:]
  /// When the daemon has to tell its guardian of a lease.
  private var told = LeaseWatch()
  /// A daemon lives that has started one, and starts another one when that dies.
  private var isWanted = false
  private var isCharged = false
  /// What was unplugged comes back under another descriptor, which a daemon opens when it tells it something: until then
  /// no guardian reaches it (docs/safety.md).
  private var cutOff: [DeviceID: Instant] = [:]
  /// Tells the daemon that a lease was ended over its head.
  var tell: (OverruledOutput) -> Void = { _ in }

  init(_ board: Board, _ wires: SimulatedBackend, _ line: Timeline) {
    self.board = board
    self.wires = wires
    self.line = line
    page = SharedPage(board)
  }

  /// Should the daemon die, somebody makes its outputs safe at once.
  var isSomebodyInCharge: Bool {
    [current, predecessor].contains { $0.map { $0.isAlive && $0.isCharged } ?? false }
  }

  /// Should the daemon die, all outputs are told: by its own guardian, or since there is none.
  var seesToDeath: Bool { !isSomebodyInCharge || isWanted && isCharged }

  /// Should the daemon hang, somebody ends its leases.
  var isSomebodyWatching: Bool { [current, predecessor].contains { $0?.isAlive ?? false } }

  private func make(opensAnew: Bool = false) -> GuardianModel {
    GuardianModel(
      page, drive: { [weak self] in self?.drive($0, to: $1, anyway: opensAnew) ?? false }, line
    ) { [weak self] in self?.tell($0) }
  }

  private func drive(_ id: DeviceID, to level: Double, anyway: Bool) -> Bool {
    (anyway || cutOff[id] == nil) && wires.drive(id, to: level)
  }

  /// An output is unplugged until then.
  func unplugged(_ id: DeviceID, until end: Instant) { cutOff[id] = max(end, cutOff[id] ?? end) }

  /// The daemon tells an output its level.
  func opened(_ id: DeviceID) { if let end = cutOff[id], line.now >= end { cutOff[id] = nil } }

  // MARK: Lives and deaths

  /// They are killed.
  func die() {
    current?.end()
    predecessor?.end()
  }

  /// The power went.
  func forget() {
    die()
    (current, predecessor) = (nil, nil)
    (isWanted, isCharged) = (false, false)
  }

  /// The daemon has died, and it has been noticed.
  func daemonDied() {
    if isWanted { current?.daemonDied() }
    (isWanted, isCharged) = (false, false)
  }

  /// `ExecStopPost`: where nobody is left who knows who held what, everything is made safe, by a guardian that stays.
  func makeAllSafe() {
    guard !isSomebodyInCharge else { return }
    page = SharedPage(board)
    let guardian = make(opensAnew: true)
    guardian.isCharged = true
    current = guardian
    guardian.daemonDied()
  }

  /// The daemon notices when its guardian has died, and starts another one, which gets the same page.
  func startAgain() { if isWanted, let current, !current.isAlive { startGuardian() } }

  private func startGuardian() {
    let guardian = make()
    guardian.isCharged = isCharged
    current = guardian
    told = LeaseWatch()
    if let deadline = page.earliestDeadline { watch(deadline) }
  }

  /// They get the processor before the daemon does, after all had none.
  func goFirst() {
    predecessor?.goFirst()
    current?.goFirst()
  }

  // MARK: What a daemon does

  /// A new daemon makes a page of its own, asks who is there from the one before, and starts a guardian.
  func begin() {
    // One that was never in charge has ended with its daemon; then it is still the one before.
    if let current, current.isAlive { predecessor = current }
    left = predecessor?.kept ?? [:]
    page = SharedPage(board)
    isWanted = true
    startGuardian()
  }

  /// Its outputs are open: from now on its own guardian sees to them.
  func charge() {
    isCharged = true
    current?.isCharged = true
    predecessor?.end()
    predecessor = nil
    left = [:]
  }

  /// The daemon ends in order, and has not got these to be safe.
  func leave(_ devices: [DeviceID]) {
    isWanted = false
    current?.leave(devices + page.outputs.filter(\.isDrivenOn).map(\.id))
  }

  func slot(of device: DeviceID) -> Int? { page.outputs.first { $0.id == device }?.slot }

  func hold(_ slot: Int, _ hold: OutputHold) {
    page.hold(slot, hold)
    watch(hold.deadline)
  }

  func release(_ slot: Int) { page.release(slot) }

  func inheritance(of device: DeviceID) -> OutputHold? { left[device] }

  private func watch(_ deadline: UInt64) {
    if told.mustTell(deadline, now: line.now.nanoseconds) { current?.hear(deadline) }
  }
}

/// What one daemon tells its guardian; one that is dead, or stuck, tells nothing.
final class LifeKeeper: DaemonCoreGuardian {
  var onOverruled: (OverruledOutput) -> Void = { _ in }
  /// Called between two things that a start does to the outputs.
  var onStep: () -> Void = {}
  private let guardians: Guardians
  private unowned let loop: ManualLoop

  init(_ guardians: Guardians, _ loop: ManualLoop) {
    self.guardians = guardians
    self.loop = loop
  }

  func start() {
    onStep()
    guard loop.isActive else { return }
    guardians.tell = { [weak self, weak loop] output in loop?.post { self?.onOverruled(output) } }
    guardians.begin()
    onStep()
  }

  func charge() {
    onStep()
    guard loop.isActive else { return }
    guardians.charge()
    onStep()
  }

  func leave(_ devices: [DeviceID]) { if loop.isActive { guardians.leave(devices) } }
  func slot(of device: DeviceID) -> Int? { guardians.slot(of: device) }

  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    guard loop.isActive else { return }
    guardians.hold(
      slot,
      OutputHold(
        level: level, deadline: lease.deadline.nanoseconds, since: since.nanoseconds,
        isCutByMaxOn: lease.isCutByMaxOn, holder: Array(lease.holder.utf8)))
  }

  func release(_ slot: Int) { if loop.isActive { guardians.release(slot) } }
  func inheritance(of device: DeviceID) -> OutputHold? { guardians.inheritance(of: device) }
}

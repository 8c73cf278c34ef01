import Guardian
import HAL
import HALSimulated
import Model
import Orchestrator

/// The guardians of a run: that of the current or last daemon and, during a start, that of the daemon before, which
/// stays in charge until the new one is (`GuardianLink`).
final class Guardians {
  private let board: Board
  private let wires: SimulatedBackend
  private let line: Timeline
  private var page: SharedPage
  private var current: GuardianModel?
  private var predecessor: GuardianModel?
  /// The holds that the daemon has inherited from the one before.
  private var left: [DeviceID: OutputHold] = [:]
  /// When the daemon has to announce a lease to its guardian.
  private var told = LeaseWatch()
  /// Whether a living daemon has started a guardian, and replaces it when it dies.
  private var isWanted = false
  private var isCharged = false
  /// The outputs that no guardian reaches, with the end of their absence: an unplugged output returns under another
  /// descriptor, which the daemon opens with its next command (docs/safety.md).
  private var cutOff: [DeviceID: Instant] = [:]
  /// Informs the daemon that the guardian has ended a lease.
  var tell: (OverruledOutput) -> Void = { _ in }

  init(_ board: Board, _ wires: SimulatedBackend, _ line: Timeline) {
    self.board = board
    self.wires = wires
    self.line = line
    page = SharedPage(board)
  }

  /// Whether a guardian makes the outputs safe immediately when the daemon dies.
  var isSomebodyInCharge: Bool {
    [current, predecessor].contains { $0.map { $0.isAlive && $0.isCharged } ?? false }
  }

  /// Whether all outputs get their safe state when the daemon dies: from its own guardian, or from `ExecStopPost` when
  /// there is none.
  var seesToDeath: Bool { !isSomebodyInCharge || isWanted && isCharged }

  /// Whether a guardian ends the daemon's leases when it hangs.
  var isSomebodyWatching: Bool { [current, predecessor].contains { $0?.isAlive ?? false } }

  private func make(opensAnew: Bool = false) -> GuardianModel {
    GuardianModel(
      page, drive: { [weak self] in self?.drive($0, to: $1, anyway: opensAnew) ?? false }, line
    ) { [weak self] in self?.tell($0) }
  }

  private func drive(_ id: DeviceID, to level: Double, anyway: Bool) -> Bool {
    (anyway || cutOff[id] == nil) && wires.drive(id, to: level)
  }

  /// An output is unplugged until `end`.
  func unplugged(_ id: DeviceID, until end: Instant) { cutOff[id] = max(end, cutOff[id] ?? end) }

  /// The daemon sends a level to an output.
  func opened(_ id: DeviceID) { if let end = cutOff[id], line.now >= end { cutOff[id] = nil } }

  // MARK: Lives and deaths

  /// All guardians are killed.
  func die() {
    current?.end()
    predecessor?.end()
  }

  /// The power was cut.
  func forget() {
    die()
    (current, predecessor) = (nil, nil)
    (isWanted, isCharged) = (false, false)
  }

  /// The daemon's death has been noticed.
  func daemonDied() {
    if isWanted { current?.daemonDied() }
    (isWanted, isCharged) = (false, false)
  }

  /// `ExecStopPost`: when no guardian is in charge, holds are unknown, so a new guardian makes every output safe and
  /// stays.
  func makeAllSafe() {
    guard !isSomebodyInCharge else { return }
    page = SharedPage(board)
    let guardian = make(opensAnew: true)
    guardian.isCharged = true
    current = guardian
    guardian.daemonDied()
  }

  /// The daemon notices its guardian's death and starts another one with the same page.
  func startAgain() { if isWanted, let current, !current.isAlive { startGuardian() } }

  private func startGuardian() {
    let guardian = make()
    guardian.isCharged = isCharged
    current = guardian
    told = LeaseWatch()
    if let deadline = page.earliestDeadline { watch(deadline) }
  }

  /// After a time without CPU, the guardians run before the daemon does.
  func goFirst() {
    predecessor?.goFirst()
    current?.goFirst()
  }

  // MARK: Actions of a daemon

  /// A new daemon creates a page, inherits from the guardian of the daemon before, and starts its own guardian.
  func begin() {
    // A guardian that was never in charge has ended with its daemon; then the predecessor stays the same.
    if let current, current.isAlive { predecessor = current }
    left = predecessor?.kept ?? [:]
    page = SharedPage(board)
    isWanted = true
    startGuardian()
  }

  /// The daemon's outputs are open: its own guardian is in charge from now on.
  func charge() {
    isCharged = true
    current?.isCharged = true
    predecessor?.end()
    predecessor = nil
    left = [:]
  }

  /// The daemon shuts down, and these outputs are not safe yet.
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

/// One daemon's connection to its guardian. A dead or stuck daemon sends nothing.
final class LifeKeeper: DaemonCoreGuardian {
  var onOverruled: (OverruledOutput) -> Void = { _ in }
  /// Called between the steps of the start that concern outputs.
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

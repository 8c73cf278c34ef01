import Guardian
import HAL
import HALSimulated
import Model
import Orchestrator

/// The guardian of a run: the real page and the real verdicts, on simulated wires. It outlives the daemon, and dies by
/// itself.
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
  }

  /// The daemon has died, and it has noticed.
  func settle() {
    guard isAlive else { return }
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

  private func makeSafe(_ id: DeviceID, _ settings: ActuatorSettings, _ mine: Int) {
    guard turn == mine, !simulated.drive(id, to: settings.safe) else { return }
    line.schedule(after: .milliseconds(100)) { [weak self] in self?.makeSafe(id, settings, mine) }
  }

  /// A new daemon makes a page of its own.
  func clearPage() { for (slot, _) in slots.values { page.release(slot) } }

  /// A new daemon has opened its outputs; from now on it is a new guardian that sees to them, with a page that is empty
  /// but for what was taken over.
  func takeCharge() {
    turn += 1
    kept = [:]
    isAlive = true
  }

  /// The daemon notices that its guardian has died, and starts another one, which gets the same page.
  func startAgain() { isAlive = true }

  /// The power went.
  func forget() {
    die()
    clearPage()
  }
}

// What a daemon that lives tells it.
extension GuardianModel {
  func slot(of device: DeviceID) -> Int? { slots[device]?.slot }

  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    page.hold(
      slot, level: level, deadline: lease.deadline.nanoseconds, since: since.nanoseconds,
      isCutByMaxOn: lease.isCutByMaxOn, holder: lease.holder.utf8)
  }

  func release(_ slot: Int) { page.release(slot) }

  func inheritance(of device: DeviceID) -> OutputHold? { kept[device] }
}

/// What one daemon tells the guardian; a dead one tells nothing.
final class LifeKeeper: CoreGuardian {
  var onOverruled: (OverruledOutput) -> Void = { _ in }
  private let guardian: GuardianModel
  private unowned let loop: ManualLoop

  init(_ guardian: GuardianModel, _ loop: ManualLoop) {
    self.guardian = guardian
    self.loop = loop
  }

  func start() { guardian.clearPage() }
  func charge() { guardian.takeCharge() }
  func slot(of device: DeviceID) -> Int? { guardian.slot(of: device) }
  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    if !loop.isDead { guardian.hold(slot, level: level, lease: lease, since: since) }
  }
  func release(_ slot: Int) { if !loop.isDead { guardian.release(slot) } }
  func inheritance(of device: DeviceID) -> OutputHold? { guardian.inheritance(of: device) }
}

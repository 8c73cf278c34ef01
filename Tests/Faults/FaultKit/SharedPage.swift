import Guardian
import HAL
import Model

/// The real page that a daemon shares with its guardians, in ordinary memory.
///
/// SAFETY: the page's memory lives as long as this object.
@safe final class SharedPage {
  /// An output of the board.
  struct Output {
    var id: DeviceID
    var slot: Int
    var safe: Double
    var policy: GuardianRecord.Policy
    /// Whether a guardian keeps driving it after a shutdown.
    var isDrivenOn: Bool
  }

  let outputs: [Output]
  private let memory: UnsafeMutableRawPointer
  private let page: HolderPage

  /// A page without holds.
  init(_ board: Board) {
    outputs = Self.outputs(board)
    let size = HolderPage.size(slots: outputs.count)
    unsafe memory = .allocate(byteCount: size, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    page = unsafe HolderPage(new: memory, slots: outputs.count)
  }

  deinit { unsafe memory.deallocate() }

  private static func outputs(_ board: Board) -> [Output] {
    var outputs: [Output] = []
    for device in board.devices {
      guard case .actuator(let settings) = device.kind else { continue }
      outputs.append(
        Output(
          id: device.id, slot: outputs.count, safe: settings.safe, policy: GuardianRecord.Policy(settings.onExit),
          isDrivenOn: settings.onExit == .keepDriving))
    }
    return outputs
  }

  func hold(_ slot: Int) -> OutputHold? { page.hold(slot) }

  func hold(_ slot: Int, _ hold: OutputHold) {
    page.hold(
      slot, level: hold.level, deadline: hold.deadline, since: hold.since, isCutByMaxOn: hold.isCutByMaxOn,
      holder: hold.holder)
  }

  func release(_ slot: Int) { page.release(slot) }

  /// The earliest deadline of all holds; nil without holds.
  var earliestDeadline: UInt64? { outputs.compactMap { hold($0.slot)?.deadline }.min() }
}

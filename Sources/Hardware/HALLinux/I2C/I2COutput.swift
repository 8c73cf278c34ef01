import Chips
import Glibc
import Guardian
import HAL
import Linux
import Model

/// A channel of a chip on an I²C bus.
final class I2COutput: OutputDriver {
  let isAnalogue = true
  /// The chip may have a supply of its own, and does not report when that fails.
  let forgets = true
  private let use: BusUse
  private let chip: ChipOutput.Choice
  private let safeguard: Safeguard
  private var isProtected = false
  private var onPresence: (OutputPresence) -> Void = { _ in }

  init(on use: BusUse, _ chip: ChipOutput.Choice, _ safeguard: Safeguard) {
    self.use = use
    self.chip = chip
    self.safeguard = safeguard
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    let chip = chip
    // Before the transfer, which may be the last thing that this process does.
    if !isProtected { isProtected = protect() }
    let isSafe = level == safeguard.safe
    // Urgent jobs precede those of sensors but keep their own order, so that no older level overtakes a safe one.
    use.worker.submit(urgent: true) { bus in
      bus.drive(chip.address, channel: chip.channel, level: level, urgent: isSafe, make: chip.make)
    } then: { [weak self] result in
      if case .failure(let fault) = result, fault.isGone, let self, isProtected {
        safeguard.withdraw()
        isProtected = false
      }
      if case .success(true) = result { self?.onPresence(.reset) }
      done(result.map { _ in })
    }
  }

  func watch(_ onPresence: @escaping (OutputPresence) -> Void) { self.onPresence = onPresence }

  /// The chip has no inputs: the channel is switched off.
  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) { set(0, done) }

  /// Does nothing: the chip keeps its level by itself.
  func release(_ mode: ActuatorSettings.OnExit) {}

  /// Registers the guardian's transfer, on a descriptor of its own, because the selected chip is a property of the open
  /// file.
  private func protect() -> Bool {
    guard let node = try? use.location.node(), let bus = try? System.open(node, O_RDWR) else { return false }
    let driver = chip.make()
    func drive(_ level: Double) -> GuardianStep.Action {
      .transfer(address: chip.address, driver.transfer(chip.channel, level))
    }
    let safe = drive(safeguard.safe)
    switch safeguard.onExit {
    case .input: safeguard.protect(drive(0), lapse: safe, bus.number)
    case .safe, .keepDriving, .hold: safeguard.protect(safe, lapse: nil, bus.number)
    }
    return true
  }
}

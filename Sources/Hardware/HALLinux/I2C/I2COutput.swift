import Chips
import Glibc
import Guardian
import HAL
import Linux
import Model

/// A channel of a chip on an I²C bus.
final class I2COutput: OutputDriver {
  let isAnalogue = true
  /// The chip has a supply of its own, and says nothing when that fails.
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
    // Before the chip is told: the transfer may be the last thing this process asks for.
    if !isProtected { isProtected = protect() }
    let isSafe = level == safeguard.safe
    // Before what sensors wait for, and among themselves in order: a safe level must not be overtaken by an older one.
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

  /// The chip keeps driving without us.
  func release(_ mode: ActuatorSettings.OnExit) {}

  /// Tells the guardian what to write to the chip, on a descriptor of its own: which chip one speaks to is a property of
  /// the open file.
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

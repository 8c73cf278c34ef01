import Glibc
import Guardian
import HAL
import Linux
import Model

/// A channel of a PCA9685 on an I²C bus.
final class I2COutput: OutputDriver {
  let isAnalogue = true
  private let use: BusUse
  private let address: UInt8
  private let channel: Int
  private let frequency: Int
  private let safeguard: Safeguard
  private var isProtected = false

  init(on use: BusUse, address: UInt8, channel: Int, frequency: Int, _ safeguard: Safeguard) {
    self.use = use
    self.address = address
    self.channel = channel
    self.frequency = frequency
    self.safeguard = safeguard
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    let (address, channel, frequency) = (address, channel, frequency)
    // Before the chip is told: the transfer may be the last thing this process asks for.
    if !isProtected { isProtected = protect() }
    use.worker.submit { bus in
      bus.drive(address, channel: channel, frequency: frequency, level: level)
    } then: { [weak self] result in
      if case .failure(.gone) = result, let self, isProtected {
        safeguard.withdraw()
        isProtected = false
      }
      done(result)
    }
  }

  /// The chip has no inputs: the channel is switched off.
  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) { set(0, done) }

  /// The chip keeps driving without us.
  func release(_ mode: ActuatorSettings.OnExit) {}

  /// Tells the guardian what to write to the chip, on a descriptor of its own: which chip one speaks to is a property of
  /// the open file.
  private func protect() -> Bool {
    guard let node = try? use.location.node(), let bus = try? System.open(node, O_RDWR) else { return false }
    let safe = GuardianStep.Action.transfer(address: address, PCA9685.transfer(channel, safeguard.safe))
    switch safeguard.onExit {
    case .input: safeguard.protect(.transfer(address: address, PCA9685.transfer(channel, 0)), lapse: safe, bus.number)
    case .safe, .hold: safeguard.protect(safe, lapse: nil, bus.number)
    }
    return true
  }
}

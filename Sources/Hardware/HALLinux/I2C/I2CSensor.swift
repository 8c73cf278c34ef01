import Chips
import HAL
import Model

/// One quantity of a chip on an I²C bus. Devices of the same chip share its driver and its transfers.
final class I2CSensor: SensorDriver {
  let unit: String
  private let chip: Chip<BusDevice>
  private let key: ChipKey
  private let quantity: String
  private let make: @Sendable () -> any ChipDriver

  init(
    _ chip: Chip<BusDevice>, _ key: ChipKey, _ quantity: String, unit: String,
    make: @escaping @Sendable () -> any ChipDriver
  ) {
    self.chip = chip
    self.key = key
    self.quantity = quantity
    self.unit = unit
    self.make = make
  }

  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    chip.measure(key, quantity, make, done)
  }
}

import EventLoop
import HAL
import Model

/// One quantity of a chip on an I²C bus. Devices of the same chip share its driver and its transfers.
final class I2CSensor: SensorDriver {
  typealias Bus = I2CBus<BusDevice>

  let unit: String
  private let worker: Worker<Bus>
  private let key: Bus.ChipKey
  private let quantity: String
  private let make: @Sendable () -> any ChipDriver

  init(
    on worker: Worker<Bus>, _ key: Bus.ChipKey, _ quantity: String, unit: String,
    make: @escaping @Sendable () -> any ChipDriver
  ) {
    self.worker = worker
    self.key = key
    self.quantity = quantity
    self.unit = unit
    self.make = make
  }

  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    let (key, quantity, make) = (key, quantity, make)
    worker.submit { bus in
      bus.measure(key, quantity, make)
    } then: {
      done($0)
    }
  }
}

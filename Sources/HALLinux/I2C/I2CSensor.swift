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

/// A channel of a PCA9685 on an I²C bus.
final class I2COutput: OutputDriver {
  let isAnalogue = true
  private let worker: Worker<I2CSensor.Bus>
  private let address: UInt8
  private let channel: Int
  private let frequency: Int

  init(on worker: Worker<I2CSensor.Bus>, address: UInt8, channel: Int, frequency: Int) {
    self.worker = worker
    self.address = address
    self.channel = channel
    self.frequency = frequency
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    let (address, channel, frequency) = (address, channel, frequency)
    worker.submit { bus in
      bus.drive(address, channel: channel, frequency: frequency, level: level)
    } then: { result in
      done(result)
    }
  }

  /// The chip has no inputs: `input` switches the channel off. It keeps driving without us in every case.
  func release(_ mode: ActuatorSettings.OnExit) {
    if mode == .input { set(0) { _ in } }
  }
}

import Model

/// The rate or the total of an input's pulses, as a sensor.
final class CountedSensor: SensorDriver {
  private let quantity: CountedQuantity
  private let input: InputChannel
  private let counter: PulseCounter
  private let clock: any Timekeeper

  /// - Returns: nil when the input does not count.
  init?(_ quantity: CountedQuantity, of input: InputChannel, _ clock: any Timekeeper) {
    guard let counter = input.counter else { return nil }
    self.quantity = quantity
    self.input = input
    self.counter = counter
    self.clock = clock
  }

  /// The board gives it.
  var unit: String { "" }

  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    do throws(HALError) { _ = try input.newest() } catch {
      return done(.failure(.absent("its input '\(input.device.id)' cannot be read: \(error.cause)")))
    }
    done(.success(Measurement(quantity == .rate ? counter.rate(at: clock.now) : counter.total)))
  }
}

extension Hardware {
  /// Makes the driver of a device: here for a sensor that counts the pulses of an input, else by the backend.
  func driver(of device: Device) throws(HALError) -> OpenDevice {
    guard device.driver == Device.countDriver, let input = device.options["input"]?.string,
      let quantity = device.options["quantity"]?.string.flatMap(CountedQuantity.init),
      case .input(let channel)? = channels[DeviceID(input)],
      let sensor = CountedSensor(quantity, of: channel, clock)
    else { return try backend.open(device) }
    return .sensor(sensor)
  }
}

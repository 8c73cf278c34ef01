/// The meaning of an input's pulses: those of a flow meter, an energy meter, a rain gauge.
package struct CountSettings: Sendable, Hashable {
  /// The symbol of what is counted, such as `L`; empty for the pulses themselves.
  package var unit: String
  /// What one pulse stands for, in `unit`.
  package var perPulse: Double
  /// The time over which the rate is taken; it is 0 after so long without a pulse.
  package var window: Duration

  /// Settings; by default each pulse counts as one, with a rate of the last minute.
  package init(unit: String = "", perPulse: Double = 1, window: Duration = .seconds(60)) {
    self.unit = unit
    self.perPulse = perPulse
    self.window = window
  }
}

/// A sensor that the gate derives from the pulses of an input.
package enum CountedQuantity: String, Sendable, CaseIterable {
  /// `<id>.rate`: units a minute.
  case rate
  /// `<id>.total`: units since the first start of the daemon with this input.
  case total

  /// The sensor's id.
  package func id(of input: DeviceID) -> DeviceID { DeviceID("\(input).\(rawValue)") }
}

extension Device {
  /// The `driver` of sensors that count the pulses of an input. No backend opens them.
  package static let countDriver = "count"

  /// The sensors that `count` of an input derives; empty for other devices.
  package var derived: [Device] {
    guard case .input(let settings) = kind, let count = settings.count else { return [] }
    return CountedQuantity.allCases.map { quantity in
      // Each change is an event, and only changes are.
      let settings = SensorSettings(
        deadband: .leastNonzeroMagnitude, unit: quantity == .rate ? "\(count.unit)/min" : count.unit)
      return Device(
        id: quantity.id(of: id), kind: .sensor(settings), driver: Self.countDriver,
        options: ["input": .string(id.rawValue), "quantity": .string(quantity.rawValue)], location: location)
    }
  }
}

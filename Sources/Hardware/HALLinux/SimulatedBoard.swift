import Model

/// The board that `openstarryd --simulate` runs in place of a real one.
package enum SimulatedBoard {
  /// A copy with every device simulated. Each sensor shows a plausible value, and each input is inactive, until it is
  /// given another value.
  ///
  /// What is simulated is the value that a sensor shows, not the one that its chip measures. So calibration and
  /// conversion are left out, and filters stay. A simulated value does not move by itself, so no sensor is ever stuck.
  /// - Returns: a board that was simulated before unchanged.
  package static func replacing(_ board: Board) -> Board {
    guard board.backend == .linux else { return board }
    var result = board.simulated
    // Rules may use the clock of a machine that is not synchronised, as on every simulated board.
    result.clock = .any
    result.world = [:]
    for (index, device) in board.devices.enumerated() where device.driver != Device.countDriver {
      guard case .sensor(var settings) = device.kind else { continue }
      let unit = settings.convert ?? settings.unit ?? LinuxBackend.unit(of: device) ?? ""
      (settings.points, settings.scale, settings.offset, settings.convert) = ([], 1, 0, nil)
      (settings.unit, settings.stuck) = (unit, nil)
      result.devices[index].kind = .sensor(settings)
      let value = start(unit, within: settings.filter?.range)
      result.devices[index].options = [
        "model": ["model": "constant", "value": .double(value), "unit": .string(unit)]
      ]
    }
    return result
  }

  /// The value at the start: room temperature, half of a percentage, the pressure of the air, or else 0.
  /// - Parameter range: plausible values; the middle of it replaces a value outside.
  package static func start(_ unit: String, within range: ClosedRange<Double>? = nil) -> Double {
    let value =
      if unit.isSame(as: "%") { 50.0 } else {
        UnitConversion(from: "°C", to: unit)?(20) ?? UnitConversion(from: "hPa", to: unit)?(1013) ?? 0
      }
    guard let range, !range.contains(value) else { return value }
    return (range.lowerBound + range.upperBound) / 2
  }
}

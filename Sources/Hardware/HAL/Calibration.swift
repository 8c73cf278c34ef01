import Model

/// Turns the values of a sensor's driver into those that the board file asks for: `points`, `scale`, `offset`,
/// `convert`, in this order.
final class Calibration {
  private let settings: SensorSettings
  /// The conversion from the latest unit; nil before the first value, and without `convert`.
  private var conversion: UnitConversion?

  /// - Returns: nil when the values stay as they are.
  init?(_ settings: SensorSettings) {
    guard !settings.points.isEmpty || settings.scale != 1 || settings.offset != 0 || settings.convert != nil else {
      return nil
    }
    self.settings = settings
  }

  /// The value that a driver's value stands for, and its unit; the value may be no number.
  /// - Parameter unit: of the driver's value.
  /// - Throws: the unit cannot be converted.
  func callAsFunction(_ measured: Double, _ unit: String) throws(HALError.Fault) -> (value: Double, unit: String) {
    let value = (settings.points.isEmpty ? measured : onCurve(measured)) * settings.scale + settings.offset
    guard let target = settings.convert else { return (value, unit) }
    if conversion?.from.isSame(as: unit) != true { conversion = UnitConversion(from: unit, to: target) }
    guard let conversion else {
      throw .protocolViolation(
        unit.isEmpty
          ? "its values have no unit, so they cannot be converted to \(target): add 'unit'"
          : "its values are in '\(unit)', which cannot be converted to \(target)")
    }
    return (conversion(value), target)
  }

  private func onCurve(_ measured: Double) -> Double {
    let points = settings.points
    guard measured.isFinite, let first = points.first, let last = points.last else { return measured }
    if measured <= first.measured { return first.meant }
    guard let next = points.firstIndex(where: { measured <= $0.measured }) else { return last.meant }
    let (low, high) = (points[next - 1], points[next])
    let share = (measured - low.measured) / (high.measured - low.measured)
    return low.meant * (1 - share) + high.meant * share
  }
}

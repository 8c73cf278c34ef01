import Chips
import HAL
import Model

/// The unit of the values that a sensor shows.
enum SensorUnit {
  /// - Returns: nil for a device that is no sensor, and where only the opened device tells the unit.
  static func of(_ device: Device) -> String? {
    guard case .sensor(let settings) = device.kind else { return nil }
    if let unit = settings.convert ?? settings.unit ?? device.options["model"]?["unit"]?.string { return unit }
    return (try? ChipSensor.choice(device, settings))?.unit
  }
}

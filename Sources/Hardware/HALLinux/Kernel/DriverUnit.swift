import Chips
import HAL
import Model

extension LinuxBackend {
  /// The unit of the values that a sensor's driver gives, without opening the device.
  /// - Returns: empty when the driver has none; nil for a device that is not a sensor of this backend.
  package static func unit(of device: Device) -> String? {
    guard case .sensor(let settings) = device.kind else { return nil }
    let options = DeviceOptions(device)
    return switch device.driver {
    case "procfs": options.text("quantity").flatMap { ProcSensor(quantity: $0, root: "/") }?.unit
    case "hwmon": options.text("attribute").map { HardwareMonitor(chip: "", attribute: $0).unit }
    case "iio": options.text("channel").map { IndustrialIO(device: "", channel: $0).unit }
    case "thermal": ThermalZone(zone: nil).unit
    default: (try? ChipSensor.choice(device, settings))?.unit
    }
  }
}

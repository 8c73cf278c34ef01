import EventLoop
import HAL
import Model

/// The location and the unit of a kernel attribute.
protocol KernelAttribute: Sendable {
  /// The unit after conversion.
  var unit: String { get }
  /// The attribute's current path; reads nothing from the chip.
  /// - Throws: `absent`, `ambiguous`.
  func place(_ tree: KernelTree) throws(HALError.Fault) -> String
  /// Finds the attribute and reads it. Blocks while the kernel driver talks to its chip.
  func read(_ tree: KernelTree) throws(HALError.Fault) -> Measurement
}

/// A sensor that a kernel driver exposes in sysfs: hwmon, IIO, thermal zones.
///
/// A read may wait for a slow bus, so it happens on a worker that all these sensors share.
final class AttributeSensor: SensorDriver {
  let unit: String
  private let attribute: any KernelAttribute
  private let worker: Worker<KernelTree>

  init(_ attribute: any KernelAttribute, on worker: Worker<KernelTree>) {
    self.attribute = attribute
    self.worker = worker
    unit = attribute.unit
  }

  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    let attribute = self.attribute
    worker.submit { tree in
      Result { () throws(HALError.Fault) in try attribute.read(tree) }
    } then: { result in
      done(result)
    }
  }
}

/// A thermal zone (Documentation/driver-api/thermal/sysfs-api.rst); its `temp` is in thousandths of a °C.
struct ThermalZone: KernelAttribute {
  /// The zone's `type` (`cpu-thermal`) or folder (`thermal_zone0`); nil for the first zone.
  let zone: String?
  var unit: String { "°C" }

  func read(_ tree: KernelTree) throws(HALError.Fault) -> Measurement {
    Measurement(try tree.number(try place(tree)) / 1000)
  }

  func place(_ tree: KernelTree) throws(HALError.Fault) -> String {
    let folder = "/sys/class/thermal"
    let names = tree.names(in: folder, prefix: "thermal_zone")
    let found = names.filter { zone == nil || zone == $0 || zone == (try? tree.text("\(folder)/\($0)/type")) }
    guard let first = found.first else {
      let all = names.map { "\($0) (\((try? tree.text("\(folder)/\($0)/type")) ?? "-"))" }
      throw .absent(
        "no thermal zone\(zone.map { " '\($0)'" } ?? ""): there are \(all.isEmpty ? "none" : all.joined(separator: ", "))"
      )
    }
    if let zone, found.count > 1 {
      throw .ambiguous(
        "\(found.count) thermal zones are of the type '\(zone)': name one of \(found.joined(separator: ", ")) instead")
    }
    return "\(folder)/\(first)/temp"
  }
}

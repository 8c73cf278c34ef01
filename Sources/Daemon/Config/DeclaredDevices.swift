import Document
import Model

/// The ids and kinds of all devices in a board file. Collected before the devices are read, because devices may refer
/// to later ones, and to ones with errors.
struct DeclaredDevices {
  /// The text of `kind` by id; nil if it is missing.
  let kinds: [String: String?]

  init(_ entries: [Node.Entry]) {
    kinds = Dictionary(
      entries.map { entry in
        if case .string(let kind)? = entry.value["kind"]?.content { (entry.key, kind) } else { (entry.key, nil) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The ids of one kind, sorted.
  func ids(of kind: String) -> [String] { kinds.filter { $0.value == kind }.keys.sorted() }

  /// Makes `exclusive_with` symmetric: each device also lists the devices that list it.
  static func symmetric(_ devices: [Device]) -> [Device] {
    var partners: [DeviceID: [DeviceID]] = [:]
    for device in devices {
      guard case .actuator(let settings) = device.kind else { continue }
      for other in settings.exclusiveWith {
        partners[device.id, default: []].append(other)
        partners[other, default: []].append(device.id)
      }
    }
    return devices.map { device in
      guard case .actuator(var settings) = device.kind, let others = partners[device.id] else { return device }
      settings.exclusiveWith = Set(others).sorted()
      var device = device
      device.kind = .actuator(settings)
      return device
    }
  }
}

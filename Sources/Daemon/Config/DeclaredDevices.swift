import Document
import Model

/// The ids that a board file declares with their kinds, known before any device has been read: devices refer to
/// others further down, and to ones that have an error of their own.
struct DeclaredDevices {
  /// By id: the text of `kind`, or nil when there is none.
  let kinds: [String: String?]

  init(_ entries: [Node.Entry]) {
    kinds = Dictionary(
      entries.map { entry in
        if case .string(let kind)? = entry.value["kind"]?.content { (entry.key, kind) } else { (entry.key, nil) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The ids of one kind, sorted.
  func ids(of kind: String) -> [String] { kinds.filter { $0.value == kind }.keys.sorted() }

  /// `devices` with `exclusive_with` made mutual: what one must not run beside must not run beside it.
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

import Chips
import HAL

/// Selects one of several devices of the same name, by the board file's `path` and `serial`.
struct DeviceChoice: Sendable, Hashable {
  /// One or more consecutive folders of its path under `/sys/devices`: `1-0048`, `i2c-1/1-0048`.
  var path: String?
  /// Its slave id on a 1-wire bus (`28-0316a1b2c3d4`), or the content of `serial` of the device or of one above it.
  var serial: String?

  /// Finds the selected device.
  /// - Parameters:
  ///   - folders: class or bus folders of all devices with the right name.
  ///   - what: the kind and the name, for messages: `hwmon chips called 'lm75'`.
  ///   - detail: a further condition that `folders` meet, for messages.
  ///   - all: the names of all devices of the kind, for the message when none has the right name.
  ///   - hint: the option to add when several match.
  /// - Returns: one of `folders`.
  /// - Throws: `absent` when there is none, `ambiguous` when there is more than one.
  func choose(
    _ folders: [String], _ what: String, _ detail: String = "", of all: [String] = [],
    hint: String = "add 'path' or 'serial' to say which", _ tree: KernelTree
  ) throws(HALError.Fault) -> String {
    let found = folders.filter { fits($0, tree) }
    guard let first = found.first else {
      var there: [String] = []
      for name in folders.isEmpty ? all : folders.map({ place($0, tree) }) where !there.contains(name) {
        there.append(name)
      }
      throw .absent("no \(what)\(detail)\(filter): there are \(there.isEmpty ? "none" : there.joined(separator: ", "))")
    }
    if found.count == 1 { return first }
    let places = found.map { place($0, tree) }
    throw .ambiguous("\(found.count) \(what) fit: \(places.joined(separator: ", ")); \(hint)")
  }

  private func place(_ folder: String, _ tree: KernelTree) -> String {
    tree.device(behind: folder).joined(separator: "/")
  }

  /// The selection, for messages.
  private var filter: String { (path.map { " at '\($0)'" } ?? "") + (serial.map { " with the serial '\($0)'" } ?? "") }

  private func fits(_ folder: String, _ tree: KernelTree) -> Bool {
    if path == nil && serial == nil { return true }
    let device = tree.device(behind: folder)
    if let path, !Self.contains(device, path) { return false }
    return serial.map { $0 == device.last || tree.serials(of: device).contains($0) } ?? true
  }

  private static func contains(_ device: [String], _ path: String) -> Bool {
    var wanted = path.split(separator: "/").map(String.init)
    if wanted.starts(with: ["sys", "devices"]) { wanted.removeFirst(2) }
    guard !wanted.isEmpty, wanted.count <= device.count else { return false }
    return (0...(device.count - wanted.count)).contains { device[$0...].starts(with: wanted) }
  }
}

extension KernelTree {
  /// The device that a folder of `/sys/class` or `/sys/bus` belongs to.
  /// - Returns: the folders of its path under `/sys/devices`; the folder's own name when it is no link to there.
  func device(behind folder: String) -> [String] {
    let parts = (target(folder) ?? folder).split(separator: "/").map(String.init)
    guard let start = parts.indices.first(where: { parts[$0...].starts(with: ["sys", "devices"]) }) else {
      return parts.suffix(1)
    }
    var device = Array(parts[(start + 2)...])
    // The last folder is the class's own (`hwmon3`, `iio:device0`, `gpiochip1`), some in one with the class's name.
    if device.count > 1 { device.removeLast() }
    if device.count > 1, device.last == "hwmon" { device.removeLast() }
    return device
  }

  /// The serial numbers of a device under `/sys/devices` and of the devices above it, such as USB and NVMe devices.
  fileprivate func serials(of device: [String]) -> [String] {
    (1...max(1, device.count)).compactMap { count in
      try? text("/sys/devices/\(device.prefix(count).joined(separator: "/"))/serial")
    }
  }
}

extension DeviceOptions {
  /// The options `path` and `serial`.
  var choice: DeviceChoice { DeviceChoice(path: text("path"), serial: text("serial")) }
}

import Chips
import HAL

/// Which of several devices that the kernel calls the same is meant, as the board file says it.
struct DeviceChoice: Sendable, Hashable {
  /// One or more folders of its path under `/sys/devices`, next to each other: `1-0048`, `i2c-1/1-0048`.
  var path: String?
  /// Its slave id on a 1-wire bus (`28-0316a1b2c3d4`), or what the file `serial` of it or of a device above it says.
  var serial: String?

  /// Finds the one that is meant.
  /// - Parameters:
  ///   - folders: class or bus folders of all that have the right name.
  ///   - what: the kind and the name, for people: `hwmon chips called 'lm75'`.
  ///   - detail: what else they must have, for people.
  ///   - all: what there is of the kind, for people who asked for what is not there.
  ///   - hint: what to add where more than one fits.
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
      throw .absent("no \(what)\(detail)\(wish): there are \(there.isEmpty ? "none" : there.joined(separator: ", "))")
    }
    if found.count == 1 { return first }
    let places = found.map { place($0, tree) }
    throw .ambiguous("\(found.count) \(what) fit: \(places.joined(separator: ", ")); \(hint)")
  }

  private func place(_ folder: String, _ tree: KernelTree) -> String {
    tree.device(behind: folder).joined(separator: "/")
  }

  /// What the board file says beside the name, for people.
  private var wish: String { (path.map { " at '\($0)'" } ?? "") + (serial.map { " with the serial '\($0)'" } ?? "") }

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
  /// - Returns: the folders of its path under `/sys/devices`; the folder's own name where it leads nowhere.
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

  /// The serial numbers of a device under `/sys/devices` and of those above it, as USB and NVMe devices have them.
  fileprivate func serials(of device: [String]) -> [String] {
    (1...max(1, device.count)).compactMap { count in
      try? text("/sys/devices/\(device.prefix(count).joined(separator: "/"))/serial")
    }
  }
}

extension DeviceOptions {
  /// Which of several devices of one name is meant.
  var choice: DeviceChoice { DeviceChoice(path: text("path"), serial: text("serial")) }
}

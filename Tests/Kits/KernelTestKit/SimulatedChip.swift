import Linux

/// A GPIO chip of the kernel's gpio-sim (Documentation/admin-guide/gpio/gpio-sim.rst): pulls inputs up and down, and
/// reads outputs.
package final class SimulatedChip {
  private static let root = "/sys/kernel/config/gpio-sim"

  private let folder: String
  private var bank: String { "\(folder)/bank0" }
  /// Offsets by the lines' names.
  private let offsets: [String: Int]
  /// The sysfs folders of lines, valid until the chip vanishes.
  private var paths: [String: String] = [:]
  /// The chip's label in the kernel.
  package let label: String

  private init(_ folder: String) throws {
    self.folder = folder
    label = try KernelFile.text("\(folder)/bank0/label")
    var offsets: [String: Int] = [:]
    for name in KernelFile.names("\(folder)/bank0") where name.hasPrefix("line") {
      guard let offset = Int(name.dropFirst(4)) else { continue }
      offsets[try KernelFile.text("\(folder)/bank0/\(name)/name")] = offset
    }
    self.offsets = offsets
  }

  /// Makes a chip and plugs it in.
  /// - Parameters:
  ///   - name: the name of its folder in configfs.
  ///   - lines: the names of the lines, by offset from 0.
  ///   - hogs: lines that the kernel itself holds from the start, with the consumer's name.
  package static func make(
    _ name: String, label: String, lines: [String], hogs: [String: String] = [:]
  ) throws -> SimulatedChip {
    try require()
    let folder = "\(root)/\(name)"
    try KernelFile.makeFolder(folder)
    try KernelFile.makeFolder("\(folder)/bank0")
    try KernelFile.write("\(folder)/bank0/num_lines", "\(lines.count)")
    try KernelFile.write("\(folder)/bank0/label", label)
    for (offset, line) in lines.enumerated() {
      try KernelFile.makeFolder("\(folder)/bank0/line\(offset)")
      try KernelFile.write("\(folder)/bank0/line\(offset)/name", line)
      guard let holder = hogs[line] else { continue }
      try KernelFile.makeFolder("\(folder)/bank0/line\(offset)/hog")
      try KernelFile.write("\(folder)/bank0/line\(offset)/hog/name", holder)
      try KernelFile.write("\(folder)/bank0/line\(offset)/hog/direction", "input")
    }
    let chip = try SimulatedChip(folder)
    try chip.appear()
    return chip
  }

  /// The chip with this label.
  /// - Throws: `Skip` when there is none.
  package static func labelled(_ label: String) throws -> SimulatedChip {
    try require()
    for name in KernelFile.names(root) where (try? KernelFile.text("\(root)/\(name)/bank0/label")) == label {
      return try SimulatedChip("\(root)/\(name)")
    }
    throw Skip("gpio-sim has no chip '\(label)' here")
  }

  private static func require() throws {
    if !KernelFile.exists(root) { throw Skip("gpio-sim is not here (\(root))") }
  }

  /// Unplugs the chip and removes its folders.
  package func remove() throws {
    try vanish()
    for name in KernelFile.names(bank) where name.hasPrefix("line") {
      try KernelFile.removeFolder("\(bank)/\(name)/hog")
      try KernelFile.removeFolder("\(bank)/\(name)")
    }
    try KernelFile.removeFolder(bank)
    try KernelFile.removeFolder(folder)
  }

  /// Plugs the chip's device in.
  package func appear() throws {
    if try KernelFile.text("\(folder)/live") == "0" { try KernelFile.write("\(folder)/live", "1") }
  }

  /// Unplugs the chip's device, even while its lines are held.
  package func vanish() throws {
    paths = [:]
    if try KernelFile.text("\(folder)/live") == "1" { try KernelFile.write("\(folder)/live", "0") }
  }

  /// The kernel's present name of the chip, e.g. `gpiochip2`.
  package var name: String { get throws { try KernelFile.text("\(bank)/chip_name") } }

  /// The folder of its device under `/sys/devices/platform`, e.g. `gpio-sim.0`.
  package var device: String { get throws { try KernelFile.text("\(folder)/dev_name") } }

  /// Pulls a line up or down.
  package func pull(_ line: String, up: Bool) throws {
    try KernelFile.write("\(try path(line))/pull", up ? "pull-up" : "pull-down")
  }

  /// Whether a line is pulled up.
  package func isPulledUp(_ line: String) throws -> Bool { try KernelFile.text("\(try path(line))/pull") == "pull-up" }

  /// Whether the physical level of a line is high.
  package func isHigh(_ line: String) throws -> Bool { try KernelFile.text("\(try path(line))/value") == "1" }

  private func path(_ line: String) throws -> String {
    if let path = paths[line] { return path }
    guard let offset = offsets[line] else { throw Failure("chip '\(label)' has no line '\(line)'") }
    let path = "/sys/devices/platform/\(try device)/\(try name)/sim_gpio\(offset)"
    paths[line] = path
    return path
  }
}

import Linux
import Model

/// A setting in the files of a systemd unit. A limit that the kernel cannot enforce leaves no trace in the service's
/// control group, so it has to be looked up here.
package struct UnitFile {
  /// The setting's value as written.
  package let value: String
  /// The file that sets it.
  package let file: String

  /// The value in bytes; nil when it is a share of the board's memory or no number.
  package var bytes: Int? {
    // Base 1024 (systemd.resource-control(5)).
    let shift = value.last.flatMap { ["K": 10, "M": 20, "G": 30, "T": 40][$0] }
    guard let number = Int(shift == nil ? value : String(value.dropLast())), number > 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : bytes
  }

  /// Reads the unit's file and its drop-ins in systemd's order (systemd.unit(5)): of files with one name the first
  /// folder's counts, drop-ins are sorted by name, and the last assignment wins. Settings of a slice above are not
  /// read.
  /// - Parameters:
  ///   - key: e.g. `MemoryMax`.
  ///   - unit: e.g. `openstarryd.service`.
  ///   - root: a folder that stands for `/`, in tests.
  /// - Returns: nil when it is not set, or set to `infinity`.
  package static func find(_ key: String, of unit: String, root: String = "") -> UnitFile? {
    let folders = [
      "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/etc/systemd/system",
      "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
    ].map { root + $0 }
    var files: [String: String] = [:]
    for folder in folders {
      for name in (try? Files.names(in: "\(folder)/\(unit).d")) ?? [] where name.hasSuffix(".conf") {
        if files[name] == nil { files[name] = "\(folder)/\(unit).d/\(name)" }
      }
    }
    let own = folders.lazy.map { "\($0)/\(unit)" }.first(where: Files.isFile)
    var found: UnitFile?
    for file in (own.map { [$0] } ?? []) + files.sorted(by: { $0.key < $1.key }).map(\.value) {
      guard let bytes = try? Files.read(file, limit: 1 << 16) else { continue }
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].split(separator: " ").elementsEqual([key[...]]) else { continue }
        let value = parts[1].split(separator: " ").joined()
        found = value.isEmpty || value == "infinity" ? nil : UnitFile(value: value.printable, file: file)
      }
    }
    return found
  }
}

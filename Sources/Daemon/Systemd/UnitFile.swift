import Linux
import Model

/// What the files of a systemd unit ask for, as far as no property of the running service tells: a limit that the
/// kernel cannot hold leaves no trace in the service's control group.
package struct UnitFile {
  /// The setting's value, as it is written.
  package let value: String
  /// The file that has it.
  package let file: String

  /// The value as a number of bytes; nil where it is a share of the board's memory.
  package var bytes: Int? {
    // Base 1024 (systemd.resource-control(5)).
    let shift = value.last.flatMap { ["K": 10, "M": 20, "G": 30, "T": 40][$0] }
    guard let number = Int(shift == nil ? value : String(value.dropLast())), number > 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : bytes
  }

  /// Reads the unit's file and its drop-ins, in systemd's order (systemd.unit(5)): of files of one name the first
  /// folder's counts, drop-ins are read by name, and the last assignment wins. Those of a slice above are not read.
  /// - Parameters:
  ///   - key: e.g. `MemoryMax`.
  ///   - unit: e.g. `openstarryd.service`.
  ///   - root: a folder that stands for `/`, in tests.
  /// - Returns: nil where nobody asks for it, or `infinity`.
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

import Linux

/// The files of a machine: this one, or a folder that stands for one in tests.
package struct Machine: Sendable {
  private let root: String

  /// - Parameter root: a prefix for all paths; by default this machine.
  package init(root: String = "") { self.root = root }

  /// The text of a short file without the white space around it; nil when it cannot be read.
  /// - Parameter path: absolute.
  package func text(_ path: String) -> String? {
    guard let bytes = try? Files.read(root + path, limit: 1 << 20) else { return nil }
    let isSpace = { (byte: UInt8) in byte <= 0x20 }
    let rest = bytes.drop(while: isSpace)
    let last = rest.lastIndex { !isSpace($0) } ?? rest.startIndex - 1
    return String(decoding: rest[..<(last + 1)].filter { $0 != 0 }, as: UTF8.self)
  }

  /// The number in a file.
  package func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

  /// The words of a file.
  package func words(_ path: String) -> [String]? {
    text(path).map { $0.split { $0 == " " || $0 == "\n" || $0 == "\t" }.map(String.init) }
  }

  /// The names in a folder, sorted; empty when it cannot be read.
  package func names(in folder: String) -> [String] { (try? Files.names(in: root + folder)) ?? [] }

  /// Whether this user may read the names in a folder.
  package func mayList(_ folder: String) -> Bool { (try? Files.names(in: root + folder)) != nil }

  /// Whether there is a file of any kind.
  package func exists(_ path: String) -> Bool { Files.exists(root + path) }

  /// The target of a link; nil when it is none.
  package func target(ofLink path: String) -> String? { Files.target(ofLink: root + path) }

  /// Owner, group and mode; nil when the file is not there or not in sight.
  package func status(_ path: String) -> FileStatus? { try? FileStatus(root + path) }

  /// The users and groups.
  package var accounts: Accounts {
    Accounts(passwd: text("/etc/passwd") ?? "", group: text("/etc/group") ?? "")
  }

  /// The board's name in the device tree, such as `Raspberry Pi 4 Model B Rev 1.4`; nil on a PC.
  package var model: String? { text("/proc/device-tree/model") ?? text("/sys/firmware/devicetree/base/model") }

  /// Whether it is a Raspberry Pi.
  package var isRaspberryPi: Bool { model?.hasPrefix("Raspberry Pi") ?? false }
}

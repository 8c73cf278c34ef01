/// Parsers for the kernel's files about control groups. They accept any input.
enum KernelText {
  /// The value of a flat keyed file (`KEY VALUE` lines).
  /// - Returns: nil when the key is missing or its value is not a number.
  static func value(_ key: String, in bytes: [UInt8]) -> UInt64? {
    for line in lines(bytes) where line.starts(with: key.utf8) {
      let words = words(line)
      if words.count == 2, words[0] == key { return UInt64(words[1]) }
    }
    return nil
  }

  /// The value of a file with one number or `max`.
  /// - Returns: nil for anything else; `.some(nil)` for `max`.
  static func limit(_ bytes: [UInt8]) -> UInt64?? {
    let words = words(bytes[...])
    guard words.count == 1 else { return nil }
    if words[0] == "max" { return .some(nil) }
    return UInt64(words[0]).map { .some($0) }
  }

  /// The value of `cpu.max`: a quota and its period in microseconds, `max 100000` or `50000 100000`.
  /// - Returns: nil for anything else; `.some(nil)` for no limit; else the fraction of one core.
  static func share(_ bytes: [UInt8]) -> Double?? {
    let words = words(bytes[...])
    guard words.count == 2, let period = UInt64(words[1]), period > 0 else { return nil }
    if words[0] == "max" { return .some(nil) }
    return UInt64(words[0]).map { .some(Double($0) / Double(period)) }
  }

  /// The words of a line, or of a file such as `cgroup.controllers`.
  static func words(_ bytes: ArraySlice<UInt8>) -> [String] {
    bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The group of version 2 in /proc/PID/cgroup, on the line `0::/…` (cgroups(7)); nil when there is none.
  static func group(_ bytes: [UInt8]) -> String? {
    lines(bytes).first { $0.starts(with: "0::/".utf8) }.map { String(decoding: $0.dropFirst(3), as: UTF8.self) }
  }

  /// A mount of a hierarchy of control groups.
  struct Mount: Equatable {
    /// The group that is mounted at `point`.
    var root: String
    /// The folder of the mount.
    var point: String
    /// The controllers of a hierarchy of version 1; nil for version 2.
    var controllers: [String]?
  }

  /// The mounts of control groups in /proc/PID/mountinfo (proc_pid_mountinfo(5)). A line has six fields, optional
  /// fields, `-`, type, source and options.
  static func mounts(_ bytes: [UInt8]) -> [Mount] {
    lines(bytes).compactMap { line in
      let words = words(line)
      guard let dash = words.indices.dropFirst(6).first(where: { words[$0] == "-" }), words.count > dash + 3,
        words[dash + 1] == "cgroup" || words[dash + 1] == "cgroup2"
      else { return nil }
      return Mount(
        root: plain(words[3]), point: plain(words[4]),
        controllers: words[dash + 1] == "cgroup" ? list(words[dash + 3]) : nil)
    }
  }

  /// All settings of a controller on the kernel's command line, in order: true enables it, false disables it.
  static func verdicts(on controller: String, in commandLine: [UInt8]) -> [Bool] {
    words(commandLine[...]).compactMap { word in
      for (key, verdict) in [("cgroup_enable=", true), ("cgroup_disable=", false)] where word.hasPrefix(key) {
        return list(String(word.dropFirst(key.count))).contains(controller) ? verdict : nil
      }
      return nil
    }
  }

  private static func list(_ word: String) -> [String] {
    word.utf8.split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Decodes a path, in which blanks and backslashes are written as a backslash and three octal digits.
  private static func plain(_ word: String) -> String {
    guard word.utf8.contains(UInt8(ascii: "\\")) else { return word }
    var (out, rest) = ([UInt8](), Array(word.utf8)[...])
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3,
        let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      {
        out.append(code)
        rest = rest.dropFirst(3)
      } else {
        out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  // Split bytes, not characters: a newline can be part of a grapheme cluster such as CR LF.
  private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "\n")) }
}

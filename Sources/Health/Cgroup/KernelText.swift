/// What the kernel's files about control groups look like. Nothing in here trusts them.
enum KernelText {
  /// The value of a flat keyed file (`KEY VALUE` lines).
  /// - Returns: nil when the key is not there, or its value is no number.
  static func value(_ key: String, in bytes: [UInt8]) -> UInt64? {
    for line in lines(bytes) where line.starts(with: key.utf8) {
      let words = words(line)
      if words.count == 2, words[0] == key { return UInt64(words[1]) }
    }
    return nil
  }

  /// A file of one number, or of `max`.
  /// - Returns: nil when it is neither; `.some(nil)` for `max`.
  static func limit(_ bytes: [UInt8]) -> UInt64?? {
    let words = words(bytes[...])
    guard words.count == 1 else { return nil }
    if words[0] == "max" { return .some(nil) }
    return UInt64(words[0]).map { .some($0) }
  }

  /// `cpu.max`: a quota and its period in microseconds, `max 100000` or `50000 100000`.
  /// - Returns: nil when it is something else; `.some(nil)` for no limit; else the share of one core.
  static func share(_ bytes: [UInt8]) -> Double?? {
    let words = words(bytes[...])
    guard words.count == 2, let period = UInt64(words[1]), period > 0 else { return nil }
    if words[0] == "max" { return .some(nil) }
    return UInt64(words[0]).map { .some(Double($0) / Double(period)) }
  }

  /// The words of a file, as `cgroup.controllers` has them, or of a line.
  static func words(_ bytes: ArraySlice<UInt8>) -> [String] {
    bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The group of version 2 in /proc/PID/cgroup: the line `0::/…` (cgroups(7)).
  static func group(_ bytes: [UInt8]) -> String? {
    lines(bytes).first { $0.starts(with: "0::/".utf8) }.map { String(decoding: $0.dropFirst(3), as: UTF8.self) }
  }

  /// A mount of control groups.
  struct Mount: Equatable {
    /// Which group is seen at `point`.
    var root: String
    var point: String
    /// The controllers of a hierarchy of version 1; nil for version 2.
    var controllers: [String]?
  }

  /// The mounts of control groups in /proc/PID/mountinfo (proc_pid_mountinfo(5)): six fields, optional ones, `-`, type,
  /// source, options.
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

  /// What the kernel's command line says last about a controller: true it is on, false it is off, nil nothing.
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

  /// Blanks and backslashes in a path are three octal digits behind a backslash.
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

  // Of bytes: in a text of characters a line end behind another control character is no line end.
  private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "\n")) }
}

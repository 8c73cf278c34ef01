import Linux

/// What the first bytes of a program say about whether the kernel can execute it (execve(2)).
enum ProgramFile {
  /// Why it cannot be executed, with the remedy; nil when nothing speaks against it.
  /// - Parameter path: of a readable file. One that is not readable gives nil: execve(2) reports it.
  static func problem(with path: String) -> String? {
    guard let file = try? System.open(path, 0) else { return nil }
    var start: [UInt8] = []
    guard (try? System.read(file.number, into: &start, limit: 256)) != nil else { return nil }
    return problem(with: start, path: path) { Files.isFile($0) }
  }

  static func problem(with start: [UInt8], path: String, exists: (String) -> Bool) -> String? {
    if start.isEmpty { return "\(path) is empty" }
    if start.starts(with: [0x7F, 0x45, 0x4C, 0x46]) { return nil }
    guard start.starts(with: [0x23, 0x21]) else {
      return "\(path) is neither a program of this system nor a script with a first line such as #!/usr/bin/python3"
    }
    let line = start.dropFirst(2).prefix { $0 != 0x0A }
    if line.last == 0x0D {
      return "\(path) has the line ends of Windows, and so its interpreter is not found: sed -i 's/\\r$//' \(path)"
    }
    let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
    guard let first = words.first else { return "\(path) names no interpreter in its first line" }
    let interpreter = String(decoding: first, as: UTF8.self)
    guard interpreter.hasPrefix("/") else {
      return "\(path) names the interpreter '\(interpreter)' in its first line: it has to be a full path"
    }
    return exists(interpreter) ? nil : "\(path) names the interpreter \(interpreter), which does not exist"
  }
}

import Glibc
import Linux

/// What programs of the system print.
enum ProgramOutput {
  /// Runs a program, without a shell.
  /// - Parameters:
  ///   - program: its full path.
  ///   - most: the most bytes that are kept: the end of a longer output.
  ///   - limit: how long it may take, in milliseconds; it is killed then.
  /// - Returns: its standard output; nil when it cannot be started.
  static func of(_ program: String, _ arguments: [String], most: Int = 4096, within limit: Int = 5000) -> String? {
    guard Files.isFile(program), let pipe = try? System.pipe() else { return nil }
    defer { close(pipe.reading) }
    var plan = SpawnPlan(program, [program] + arguments)
    (plan.input, plan.output, plan.errors) = (.null, .descriptor(pipe.writing), .null)
    let child = try? Linux.Spawn.start(plan)
    close(pipe.writing)
    guard let child else { return nil }
    var bytes: [UInt8] = []
    let deadline = System.monotonicNanoseconds() + UInt64(limit) * 1_000_000
    while System.monotonicNanoseconds() < deadline {
      let count = (try? System.read(pipe.reading, into: &bytes, limit: 65_536)).flatMap(\.self)
      if count == 0 { break }
      if bytes.count > 2 * most { bytes.removeFirst(bytes.count - most) }
      if count == nil { Pause.wait(nanoseconds: 5_000_000) }
    }
    // It has ended, or takes too long.
    kill(child, SIGKILL)
    _ = try? Linux.Spawn.wait(for: child)
    return String(decoding: bytes.suffix(most), as: UTF8.self)
  }

  /// The version of a program: the last word of the first line of `PROGRAM --version`, such as `0.8.0`.
  static func version(of program: String) -> String? {
    let line = of(program, ["--version"])?.split(separator: "\n").first
    return line.flatMap { $0.split(separator: " ").last.map(String.init) }
  }
}

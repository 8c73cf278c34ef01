import GuardianTestKit
import Linux
import Testing

// Shared by the tests that kill or stop processes.
extension PWMFixture {
  /// Starts a ward with this board and the real guardian.
  func ward(_ settings: [String], _ more: [String]) throws -> WardProcess {
    try WardProcess(
      try program("guardian-ward"), board: try board(settings), root: root, socket: socket,
      guardian: try program("openstarry-guardian"), more)
  }

  /// The lines that a ward with `log` and its guardian have written.
  func log() throws -> [Substring] {
    String(decoding: try Files.read("\(root)/ward.log"), as: UTF8.self).split(separator: "\n")
  }
}

/// Whether the process exists and is no zombie.
func isAlive(_ pid: Int32) -> Bool {
  let stat = (try? Files.read("/proc/\(pid)/stat")).map { String(decoding: $0, as: UTF8.self) } ?? ""
  return !stat.isEmpty && !stat.contains(") Z ")
}

/// Waits until a started guardian has called listen(2) and then blocked the daemon's signals.
func isUp(_ guardian: Int32) -> Bool {
  eventually {
    let status = (try? Files.read("/proc/\(guardian)/status")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return status.split(separator: "\n").contains {
      $0.hasPrefix("SigBlk:") && $0.contains { "123456789abcdef".contains($0) }
    }
  }
}

/// The path of a program that was built with the tests.
func program(_ name: String) throws -> String {
  let path = "\(Files.folder(of: try Files.resolve("/proc/self/exe")))/\(name)"
  try #require(Files.isFile(path), "\(path) is not there: build it")
  return path
}

/// The voluntary context switches of a process.
func switches(_ pid: Int32) throws -> Int {
  let lines = String(decoding: try Files.read("/proc/\(pid)/status"), as: UTF8.self).split(separator: "\n")
  let line = try #require(lines.first { $0.hasPrefix("voluntary_ctxt_switches") })
  return try #require(Int(line.split(whereSeparator: { $0 == "\t" || $0 == " " }).last ?? ""))
}

/// Polls a condition for at most 20 s.
func eventually(_ isSo: () throws -> Bool) rethrows -> Bool {
  let deadline = System.monotonicNanoseconds() + 20_000_000_000
  while System.monotonicNanoseconds() < deadline {
    if try isSo() { return true }
    Pause.wait(nanoseconds: 2_000_000)
  }
  return false
}

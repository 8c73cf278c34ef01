import CLinux
import Footprint
import Linux

/// Reads the kernel's figures of a process: memory, threads, descriptors, wake-ups, bytes written.
struct ProcessProbe {
  let pid: Int32

  /// Proportional set size and private dirty memory in KiB, from /proc/PID/smaps_rollup (proc(5)).
  ///
  /// This program unmaps its own unchanged pages before, so that no page of a library is shared between the two and
  /// counts only half.
  func memory() throws(SystemError) -> (pss: Int, privateDirty: Int) {
    Footprint.settle()
    let text = try read("smaps_rollup")
    return (field("Pss:", text), field("Private_Dirty:", text))
  }

  /// The number of threads, from /proc/PID/status.
  func threads() throws(SystemError) -> Int { field("Threads:", try read("status")) }

  /// The number of voluntary context switches: how often the process has gone to sleep.
  func wakeUps() throws(SystemError) -> Int { field("voluntary_ctxt_switches:", try read("status")) }

  /// The number of open descriptors.
  func descriptors() throws(SystemError) -> Int { try Files.names(in: "/proc/\(pid)/fd").count }

  /// The bytes passed to the storage layer, from /proc/PID/io.
  func bytesWritten() throws(SystemError) -> Int { field("write_bytes:", try read("io")) }

  private func read(_ name: String) throws(SystemError) -> String {
    String(decoding: try Files.read("/proc/\(pid)/\(name)"), as: UTF8.self)
  }

  private func field(_ name: String, _ text: String) -> Int {
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      return line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? -1
    }
    return -1
  }
}

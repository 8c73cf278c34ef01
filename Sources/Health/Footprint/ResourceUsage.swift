import Linux

/// Memory, threads and descriptors of a process, as the kernel counts them.
package struct ResourceUsage {
  /// Proportional set size in KiB.
  package var pss: Int64
  /// Private dirty memory in KiB.
  package var privateDirty: Int64
  /// The number of threads.
  package var threads: Int64
  /// The number of open descriptors.
  package var descriptors: Int64

  /// The usage of this process; nil when /proc cannot be read (proc(5)).
  package static func ofThisProcess() -> ResourceUsage? {
    guard let rollup = try? Files.read("/proc/self/smaps_rollup"), let status = try? Files.read("/proc/self/status"),
      let descriptors = try? Files.names(in: "/proc/self/fd")
    else { return nil }
    // Without the descriptor of the folder that is being read.
    return ResourceUsage(
      pss: field("Pss:", rollup), privateDirty: field("Private_Dirty:", rollup), threads: field("Threads:", status),
      descriptors: Int64(descriptors.count - 1))
  }

  /// The proportional set size of a process in KiB (proc_pid_smaps(5)).
  /// - Parameters:
  ///   - process: its id, or `self`.
  ///   - root: a folder that stands for `/`, in tests.
  /// - Returns: nil when the kernel does not tell, or denies access.
  package static func pss(of process: String, root: String = "") -> Int64? {
    (try? Files.read("\(root)/proc/\(process)/smaps_rollup", limit: 4096)).map { field("Pss:", $0) }
  }

  private static func field(_ name: String, _ bytes: [UInt8]) -> Int64 {
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix(name) {
      return line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int64($0) } ?? 0
    }
    return 0
  }
}

import Cgroup
import Linux

/// What one look at the use of the whole board costs, in microseconds.
enum MeterCost {
  /// By the kernel's account of one process.
  static func pss(of process: Int32, _ count: Int) throws -> [Double] {
    try time(count) { _ = try Files.read("/proc/\(process)/smaps_rollup", limit: 4096) }
  }

  /// By the control group of this process, with its limits.
  /// - Returns: nil where it tells nothing of its memory.
  static func group(_ count: Int) throws -> [Double]? {
    guard let group = try? ControlGroup.ofThisProcess(), group.absence(of: "memory") == nil else { return nil }
    return try time(count) {
      _ = try group.cpu()
      _ = try group.memory()
      _ = (group.memoryLimit, group.cpuLimit)
    }
  }

  private static func time(_ count: Int, _ look: () throws -> Void) rethrows -> [Double] {
    try (0..<count).map { _ in
      let begin = System.monotonicNanoseconds()
      try look()
      return Double(System.monotonicNanoseconds() - begin) / 1000
    }
  }
}

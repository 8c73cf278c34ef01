import Cgroup
import Linux

/// The cost of metering the whole board once, in microseconds.
enum MeterCost {
  /// Metering by the PSS of one process.
  static func pss(of process: Int32, _ count: Int) throws -> [Double] {
    try time(count) { _ = try Files.read("/proc/\(process)/smaps_rollup", limit: 4096) }
  }

  /// Metering by the control group of this process, with its limits.
  /// - Returns: nil without a memory controller.
  static func group(_ count: Int) throws -> [Double]? {
    guard let group = try? ControlGroup.ofThisProcess(), group.absence(of: "memory") == nil else { return nil }
    return try time(count) {
      _ = try group.cpu()
      _ = try group.memory()
      _ = (group.memoryLimit, group.cpuLimit)
    }
  }

  private static func time(_ count: Int, _ read: () throws -> Void) rethrows -> [Double] {
    try (0..<count).map { _ in
      let begin = System.monotonicNanoseconds()
      try read()
      return Double(System.monotonicNanoseconds() - begin) / 1000
    }
  }
}

import Linux

/// How short the machine is of CPU.
enum Pressure {
  /// The share of the last ten seconds in which some task waited for a CPU, in percent (PSI: /proc/pressure/cpu,
  /// accounting/psi.rst of the kernel's documentation); 0 where the kernel does not say.
  static var cpu: Double {
    guard let bytes = try? Files.read("/proc/pressure/cpu") else { return 0 }
    for word in String(decoding: bytes, as: UTF8.self).split(separator: " ") where word.hasPrefix("avg10=") {
      return Double(word.dropFirst(6)) ?? 0
    }
    return 0
  }
}

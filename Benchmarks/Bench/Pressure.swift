import Linux

/// The machine's CPU pressure.
enum Pressure {
  /// The share of the last ten seconds in which a task waited for a CPU, in percent (PSI: /proc/pressure/cpu,
  /// accounting/psi.rst of the kernel's documentation); 0 if the kernel does not report it.
  static var cpu: Double {
    guard let bytes = try? Files.read("/proc/pressure/cpu") else { return 0 }
    for word in String(decoding: bytes, as: UTF8.self).split(separator: " ") where word.hasPrefix("avg10=") {
      return Double(word.dropFirst(6)) ?? 0
    }
    return 0
  }
}

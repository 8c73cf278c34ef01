import Linux

extension Engine {
  /// Differs if one engine must not run code that the other compiled.
  static func key(_ library: EngineLibrary, _ configuration: EngineConfiguration) -> String {
    "library \(library.identity); configuration \(configuration.text); machine \(machine())"
  }

  /// The processor's features, from the kernel.
  private static func machine() -> String {
    let lines = (try? Files.read("/proc/cpuinfo", limit: 4 << 20)) ?? []
    let text = String(decoding: lines, as: UTF8.self)
    let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") || $0.hasPrefix("Features") }
    #if arch(arm64)
      return "aarch64 \(flags ?? "")"
    #else
      return "x86_64 \(flags ?? "")"
    #endif
  }
}

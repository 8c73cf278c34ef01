import Linux

extension Engine {
  /// Differs whenever code that one engine compiled must not be run by the other.
  static func key(_ library: EngineLibrary, _ configuration: EngineConfiguration) -> String {
    "library \(library.identity); configuration \(configuration.text); machine \(machine())"
  }

  /// What the processor can do, as the kernel says it.
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

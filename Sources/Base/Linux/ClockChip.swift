/// The clock chips of the machine (RTC), which run while it has no power.
public enum ClockChip {
  /// Whether one of them shows the time that the system does, and thus is where that came from, or was set by it.
  /// - Parameters:
  ///   - seconds: the system's time, since 1970.
  ///   - tolerance: how far they may have drifted apart, in seconds.
  ///   - folder: where the kernel lists them.
  public static func agrees(with seconds: UInt64, within tolerance: UInt64 = 300, folder: String = "/sys/class/rtc")
    -> Bool
  {
    let names = (try? Files.names(in: folder)) ?? []
    return names.contains { name in
      guard let bytes = try? Files.read("\(folder)/\(name)/since_epoch"),
        let shown = UInt64(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline })
      else { return false }
      return max(shown, seconds) - min(shown, seconds) <= tolerance
    }
  }
}

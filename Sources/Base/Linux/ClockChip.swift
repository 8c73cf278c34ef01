/// The machine's real-time clocks (RTC), which run without power.
package enum ClockChip {
  /// Whether a real-time clock agrees with the system's time: either set the other.
  /// - Parameters:
  ///   - seconds: the system's time in seconds since 1970.
  ///   - tolerance: the largest difference in seconds.
  ///   - folder: the kernel's folder of real-time clocks.
  package static func agrees(with seconds: UInt64, within tolerance: UInt64 = 300, folder: String = "/sys/class/rtc")
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

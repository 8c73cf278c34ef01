/// The kernel's settings of a PWM channel (`/sys/kernel/debug/pwm`).
package struct PWMView: Equatable {
  package var isOn: Bool
  /// The period in nanoseconds.
  package var period: Int
  /// The duty cycle in nanoseconds.
  package var duty: Int
  package var isInverted: Bool

  /// Reads the settings of a channel.
  /// - Parameter device: the platform device of the chip, e.g. `pwm-sim`.
  /// - Throws: `Skip` when the chip does not exist.
  package init(device: String, channel: Int) throws {
    let path = "/sys/kernel/debug/pwm"
    let lines = (try? KernelFile.text(path).split(separator: "\n")) ?? []
    guard let start = lines.firstIndex(where: { $0.hasPrefix("platform/\(device),") }) else {
      throw Skip("there is no PWM chip '\(device)' here")
    }
    // ` pwm-0   (sysfs               ): requested enabled period: 20000000 ns duty: 5000000 ns polarity: normal`
    guard let line = lines[(start + 1)...].first(where: { $0.hasPrefix(" pwm-\(channel) ") }) else {
      throw Failure("\(path) shows no channel \(channel) of '\(device)'")
    }
    let words = line.split(separator: " ")
    func number(_ name: String) -> Int {
      guard let at = words.firstIndex(of: "\(name):") else { return -1 }
      return Int(words[at + 1]) ?? -1
    }
    isOn = words.contains("enabled")
    period = number("period")
    duty = number("duty")
    isInverted = words.last == "inverse"
  }
}

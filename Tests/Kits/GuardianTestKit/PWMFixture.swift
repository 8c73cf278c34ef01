import Glibc
import Linux
import TestKit

/// PWM channels of sysfs, made of ordinary files: an output that works on every machine.
package final class PWMFixture {
  /// The folder that contains `sys`.
  package var root: String { folder.path }
  package let channels: Int
  private let folder: TemporaryFolder
  private var chip: String { "\(root)/sys/class/pwm/pwmchip0" }

  /// Makes the files in a new folder.
  /// - Parameter parent: the folder that contains it.
  package init(channels: Int, in parent: String = "/tmp") throws {
    folder = try TemporaryFolder(in: parent)
    self.channels = channels
    try Files.makeFolder("\(root)/dev")
    for channel in 0..<channels {
      try Files.makeFolder("\(chip)/pwm\(channel)")
      for (name, text) in ["period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"] {
        try Files.replace("\(chip)/pwm\(channel)/\(name)", with: Array(text.utf8), mode: 0o600)
      }
    }
    for name in ["export", "unexport"] { try Files.replace("\(chip)/\(name)", with: [], mode: 0o600) }
  }

  /// The path that a control socket of the ward would have.
  package var socket: String { "\(root)/control.sock" }

  /// Writes a board file with the actuators `o0`, `o1`, …, one for each channel.
  /// - Parameter settings: the settings of each channel, e.g. `on_exit: hold`; `-` leaves the channel out.
  /// - Returns: the path of the file.
  package func board(_ settings: [String]) throws -> String {
    var text = "name: fixture\nbackend: linux\ndevices:\n"
    for (channel, settings) in settings.enumerated() where settings != "-" {
      let more = settings.isEmpty ? "" : ", \(settings)"
      text +=
        "  o\(channel): {kind: actuator, driver: pwm, pwmchip: pwmchip0, channel: \(channel), period: 1ms\(more)}\n"
    }
    try Files.replace("\(root)/board.yaml", with: Array(text.utf8))
    return "\(root)/board.yaml"
  }

  /// The content of a channel's file.
  package func text(_ channel: Int, _ file: String = "duty_cycle") throws -> String {
    String(decoding: try Files.read("\(chip)/pwm\(channel)/\(file)"), as: UTF8.self)
  }

  /// Writes a channel's duty cycle behind the daemon's back.
  package func meddle(_ channel: Int, _ text: String) throws {
    let file = try System.open("\(chip)/pwm\(channel)/duty_cycle", O_WRONLY | O_TRUNC)
    try System.writeAll(file.number, Array(text.utf8))
  }

  /// The last text written to `unexport`.
  package func unexported() throws -> String { String(decoding: try Files.read("\(chip)/unexport"), as: UTF8.self) }
}

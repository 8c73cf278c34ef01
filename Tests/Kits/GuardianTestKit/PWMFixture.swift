import Glibc
import Linux
import TestKit

/// PWM channels as sysfs shows them, made of ordinary files: an output that every machine has.
public final class PWMFixture {
  /// What stands before `/sys`.
  public var root: String { folder.path }
  public let channels: Int
  private let folder: TemporaryFolder
  private var chip: String { "\(root)/sys/class/pwm/pwmchip0" }

  /// Makes a folder of its own.
  /// - Parameter parent: where.
  public init(channels: Int, in parent: String = "/tmp") throws {
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

  /// Where the ward's control socket would be.
  public var socket: String { "\(root)/control.sock" }

  /// Writes a board file with an actuator `o0`, `o1`, … a channel each.
  /// - Parameter settings: for each channel, e.g. `on_exit: hold`; channels without stay away.
  /// - Returns: its path.
  public func board(_ settings: [String]) throws -> String {
    var text = "name: fixture\nbackend: linux\ndevices:\n"
    for (channel, settings) in settings.enumerated() where settings != "-" {
      let more = settings.isEmpty ? "" : ", \(settings)"
      text +=
        "  o\(channel): {kind: actuator, driver: pwm, pwmchip: pwmchip0, channel: \(channel), period: 1ms\(more)}\n"
    }
    try Files.replace("\(root)/board.yaml", with: Array(text.utf8))
    return "\(root)/board.yaml"
  }

  /// What stands in a file of a channel.
  public func text(_ channel: Int, _ file: String = "duty_cycle") throws -> String {
    String(decoding: try Files.read("\(chip)/pwm\(channel)/\(file)"), as: UTF8.self)
  }

  /// Writes a channel's duty past the daemon.
  public func meddle(_ channel: Int, _ text: String) throws {
    let file = try System.open("\(chip)/pwm\(channel)/duty_cycle", O_WRONLY | O_TRUNC)
    try System.writeAll(file.number, Array(text.utf8))
  }

  /// What was written to `unexport` last.
  public func unexported() throws -> String { String(decoding: try Files.read("\(chip)/unexport"), as: UTF8.self) }
}

import Glibc
import Linux

/// PWM channels as sysfs shows them, made of ordinary files: an output that every machine has.
public final class PWMFixture {
  /// What stands before `/sys`.
  public let root: String
  public let channels: Int
  private var chip: String { "\(root)/sys/class/pwm/pwmchip0" }

  /// Makes a folder of its own.
  /// - Parameter parent: where.
  public init(channels: Int, in parent: String = "/tmp") throws {
    var template = Array("\(parent)/openstarry-pwm-XXXXXX".utf8CString)
    // SAFETY: mkdtemp replaces the six X of the zero-terminated template in place.
    guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp", parent) }
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
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

  deinit { Self.remove(root) }

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

  private static func remove(_ path: String) {
    for name in (try? Files.names(in: path)) ?? [] {
      if Files.isFolder("\(path)/\(name)") { remove("\(path)/\(name)") } else { Files.remove("\(path)/\(name)") }
    }
    _ = unsafe path.withCString { unsafe rmdir($0) }
  }
}

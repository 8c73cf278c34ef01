import Guardian
import HAL
import Linux
import Model

/// A channel of the kernel's PWM class (Documentation/driver-api/pwm.rst, "Using PWMs with the sysfs interface").
///
/// A write takes microseconds, so it happens on the loop. An absent channel is looked for again at each `set`.
final class PWMChannel: OutputDriver {
  /// The channel and its configuration.
  struct Options: Sendable {
    /// The chip's folder (`pwmchip0`) or the name of the device behind it (`fe20c000.pwm`). Numbers change between
    /// kernels, device names do not.
    var chip: String
    /// The channel's number, from 0.
    var channel: Int
    /// The period of the wave, in nanoseconds.
    var period: Int64
    /// Whether the polarity is inverted: at full level the line stays low.
    var inverted: Bool

    /// The channel and its configuration, as text.
    var identity: String { "pwm \(chip)/\(channel) \(period) ns\(inverted ? " inverted" : "")" }
  }

  private let tree: KernelTree
  private let options: Options
  private let safeguard: Safeguard?
  private let claim: (String) throws(HALError.Fault) -> Void
  private var folder: String?
  /// Whether the polarity is inverted in software, because the hardware has the other one and cannot change it.
  private var invertsLevel = false

  let isAnalogue = true

  /// - Parameters:
  ///   - safeguard: registers the guardian's steps; nil without a guardian.
  ///   - claim: called with the kernel's identity of the channel before anything is written to it; throws when another
  ///     device owns the channel.
  init(
    _ options: Options, _ tree: KernelTree, _ safeguard: Safeguard? = nil,
    claim: @escaping (String) throws(HALError.Fault) -> Void = { _ in }
  ) {
    self.claim = claim
    self.safeguard = safeguard
    self.options = options
    self.tree = tree
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    done(Result { () throws(HALError.Fault) in try drive(level) })
  }

  /// Switches the channel off and unexports it.
  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    done(
      Result { () throws(HALError.Fault) in
        let chip = try find()
        let folder = "\(chip)/pwm\(options.channel)"
        self.folder = nil
        // A channel that is not exported is off.
        guard tree.exists(folder) else { return }
        try tree.write("\(folder)/enable", "0")
        try tree.write("\(chip)/unexport", "\(options.channel)")
      })
  }

  /// The kernel keeps the channel running without us.
  func release(_ mode: ActuatorSettings.OnExit) {}

  private func drive(_ level: Double) throws(HALError.Fault) {
    do throws(HALError.Fault) {
      if folder == nil {
        folder = try open()
        protect()
      }
      guard let folder else { throw .gone }
      try tree.write("\(folder)/duty_cycle", duty(level))
      try tree.write("\(folder)/enable", "1")
    } catch {
      // Hardware that refuses is still there, so the guardian keeps its steps and may succeed later.
      if error.isGone { safeguard?.withdraw() }
      folder = nil
      throw error
    }
  }

  /// The length of the pulse in nanoseconds, as text for sysfs.
  private func duty(_ level: Double) -> String {
    let share = invertsLevel ? 1 - level : level
    return "\(Int64((share * Double(options.period)).rounded()))"
  }

  /// Registers the guardian's writes. The files are opened now, so that the guardian needs no path.
  private func protect() {
    guard let safeguard, let folder else { return }
    let safe = [(tree.root + "\(folder)/duty_cycle", duty(safeguard.safe)), (tree.root + "\(folder)/enable", "1")]
    switch safeguard.onExit {
    case .input:
      let end = [
        (tree.root + "\(folder)/enable", "0"),
        (tree.root + "\(Files.folder(of: folder))/unexport", "\(options.channel)"),
      ]
      safeguard.protect(end, lapse: safe)
    case .safe, .keepDriving, .hold: safeguard.protect(safe)
    }
  }

  /// Exports the channel and sets its period.
  private func open() throws(HALError.Fault) -> String {
    let chip = try find()
    let folder = "\(chip)/pwm\(options.channel)"
    try claim("\(tree.target(chip) ?? chip)/pwm\(options.channel)")
    if !tree.exists(folder) {
      try tree.write("\(chip)/export", "\(options.channel)")
      guard tree.exists(folder) else {
        throw .protocolViolation("\(chip)/export created no pwm\(options.channel)")
      }
    }
    // A channel that runs keeps running: its duty must not exceed the new period at any time.
    if try tree.number("\(folder)/duty_cycle") > Double(options.period) { try tree.write("\(folder)/duty_cycle", "0") }
    if try tree.number("\(folder)/period") != Double(options.period) {
      try tree.write("\(folder)/period", "\(options.period)")
    }
    try setPolarity(folder)
    return folder
  }

  /// Sets the polarity, or inverts levels in software. Controllers with a single polarity lack the `polarity` file or
  /// refuse to change it.
  private func setPolarity(_ folder: String) throws(HALError.Fault) {
    let wanted = options.inverted ? "inversed" : "normal"
    invertsLevel = false
    guard (try? tree.text("\(folder)/polarity")) != wanted else { return }
    do throws(HALError.Fault) {
      // The kernel changes the polarity of a stopped channel only.
      if (try? tree.text("\(folder)/enable")) == "1" { try tree.write("\(folder)/enable", "0") }
      try tree.write("\(folder)/polarity", wanted)
    } catch {
      let isInversed = (try? tree.text("\(folder)/polarity")) == "inversed"
      invertsLevel = isInversed != options.inverted
    }
  }

  private func find() throws(HALError.Fault) -> String {
    let folder = "/sys/class/pwm"
    let names = tree.names(in: folder, prefix: "pwmchip")
    if names.contains(options.chip) { return "\(folder)/\(options.chip)" }
    do throws(HALError.Fault) {
      return try DeviceChoice(path: options.chip).choose(
        names.map { "\(folder)/\($0)" }, "PWM chips at '\(options.chip)'", hint: "name more of the path", tree)
    } catch {
      guard error.isGone else { throw error }
      let there = names.map { "\($0) (\(device(of: "\(folder)/\($0)")))" }.joined(separator: ", ")
      throw .absent(
        "no PWM chip '\(options.chip)' in \(folder): "
          + (there.isEmpty ? "there is none; an overlay may have to enable it" : "there are \(there)"))
    }
  }

  /// The name of the device behind a chip, e.g. `fe20c000.pwm`.
  private func device(of chip: String) -> String {
    let folders: [String] = tree.device(behind: chip)
    return folders.last(where: { $0 != "pwm" }) ?? "-"
  }
}

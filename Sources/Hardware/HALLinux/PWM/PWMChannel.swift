import Guardian
import HAL
import Linux
import Model

/// A channel of the kernel's PWM class (Documentation/driver-api/pwm.rst, "Using PWMs with the sysfs interface").
///
/// Writing takes microseconds, so it is done at once. A channel that is not there is looked for again at each `set`.
final class PWMChannel: OutputDriver {
  /// What a channel is and how it is driven.
  struct Options: Sendable {
    /// The chip's folder (`pwmchip0`) or the name of the device behind it (`fe20c000.pwm`): numbers change between
    /// kernels, device names do not.
    var chip: String
    /// From 0.
    var channel: Int
    /// Of the wave, in nanoseconds.
    var period: Int64
    /// Whether full level means no pulse at all.
    var inverted: Bool

    /// Which channel it is and how it is set up.
    var identity: String { "pwm \(chip)/\(channel) \(period) ns\(inverted ? " inverted" : "")" }
  }

  private let tree: KernelTree
  private let options: Options
  private let safeguard: Safeguard?
  private let claim: (String) throws(HALError.Fault) -> Void
  private var folder: String?
  /// Whether the level is turned around here since the hardware has the other polarity and keeps it.
  private var turnsAround = false

  let isAnalogue = true

  /// - Parameters:
  ///   - safeguard: is told what makes it safe; nil for nobody.
  ///   - claim: is told which channel it is, as the kernel has it, before anything is written to it; throws when it is
  ///     another device's.
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

  /// Switches the channel off and gives it back.
  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    done(
      Result { () throws(HALError.Fault) in
        let chip = try find()
        let folder = "\(chip)/pwm\(options.channel)"
        self.folder = nil
        // What nobody has exported runs for nobody.
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
      // What refuses is still there: the guardian may have more luck with it.
      if error.isGone { safeguard?.withdraw() }
      folder = nil
      throw error
    }
  }

  /// How long the pulse is at a level, as sysfs wants it.
  private func duty(_ level: Double) -> String {
    let share = turnsAround ? 1 - level : level
    return "\(Int64((share * Double(options.period)).rounded()))"
  }

  /// Tells the guardian what to write where, on files that are open by then.
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
        throw .protocolViolation("\(chip)/export made no pwm\(options.channel)")
      }
    }
    // A channel that was left running keeps running: the duty must never be longer than the period on the way.
    if try tree.number("\(folder)/duty_cycle") > Double(options.period) { try tree.write("\(folder)/duty_cycle", "0") }
    if try tree.number("\(folder)/period") != Double(options.period) {
      try tree.write("\(folder)/period", "\(options.period)")
    }
    try setPolarity(folder)
    return folder
  }

  /// Many controllers have one polarity only, and then have no `polarity` file or refuse the other.
  private func setPolarity(_ folder: String) throws(HALError.Fault) {
    let wanted = options.inverted ? "inversed" : "normal"
    turnsAround = false
    guard (try? tree.text("\(folder)/polarity")) != wanted else { return }
    do throws(HALError.Fault) {
      // The kernel changes the polarity of a stopped channel only.
      if (try? tree.text("\(folder)/enable")) == "1" { try tree.write("\(folder)/enable", "0") }
      try tree.write("\(folder)/polarity", wanted)
    } catch {
      // The level is turned around here where the hardware's polarity is not the one that is asked for.
      let isInversed = (try? tree.text("\(folder)/polarity")) == "inversed"
      turnsAround = isInversed != options.inverted
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

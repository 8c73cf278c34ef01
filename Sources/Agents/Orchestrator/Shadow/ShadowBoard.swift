import Agent
import HAL
import Model

/// The outputs as one party imagines them: a shadow agent, or all shadow rules together, as all rules of a board are one
/// party. Nobody else holds anything there.
final class ShadowBoard: OutputGate {
  /// An imagined output and its levels over time.
  final class Output {
    let imagined: ImaginaryOutput
    fileprivate(set) var history: LevelHistory
    /// How the real output had been used before, as far as it was recorded.
    let before: ShadowComparison.Use

    fileprivate init(_ imagined: ImaginaryOutput, _ history: LevelHistory, before: ShadowComparison.Use) {
      self.imagined = imagined
      self.history = history
      self.before = before
    }
  }

  private let hardware: Hardware
  private let clock: any Timekeeper
  private unowned let shadows: Shadows
  private(set) var outputs: [DeviceID: Output] = [:]
  /// Called after each imagined change.
  var onChange: () -> Void = {}
  /// Called with each command that was imagined, and whether it led to the safe state.
  var onCommand: (DeviceID) -> Void = { _ in }
  /// Who has an output next when its holder lets it go; as `Hardware.heir`.
  var heir: (DeviceID) -> (level: Double, holder: String, cause: Cause?)? = { _ in nil }

  init(_ hardware: Hardware, _ clock: any Timekeeper, _ shadows: Shadows) {
    self.hardware = hardware
    self.clock = clock
    self.shadows = shadows
  }

  deinit { for output in outputs.values { hardware.forget(output.imagined) } }

  /// Imagines exactly these outputs of the board; those that were imagined before go on.
  func keep(_ devices: Set<DeviceID>) {
    for (device, output) in outputs where !devices.contains(device) {
      hardware.forget(output.imagined)
      outputs[device] = nil
    }
    for device in devices where outputs[device] == nil { add(device) }
  }

  private func add(_ device: DeviceID) {
    let imagined = hardware.imagine(device) { [unowned self] change in
      let event = shadows.publish(
        .changed(device, level: change.level, reason: change.reason), by: change.holder, cause: change.cause)
      outputs[device]?.history.note(
        LevelHistory.Step(at: clock.now, level: change.level, holder: change.holder))
      onChange()
      return event
    }
    guard let imagined else { return }
    imagined.setHeir { [weak self] in self?.heir(device) }
    let first = LevelHistory.Step(at: clock.now, level: imagined.level, holder: nil)
    outputs[device] = Output(
      imagined, LevelHistory(first, safe: imagined.level), before: shadows.follow(device))
  }

  private var others: [DeviceID: ImaginaryOutput] { outputs.mapValues(\.imagined) }

  // MARK: OutputGate

  /// Stands for all devices that a shadow names and may not command.
  private static let others: DeviceID = "others"

  var emergencyStop: EmergencyStop? { hardware.emergencyStop }

  func output(_ id: DeviceID) -> Hardware.OutputState? { outputs[id]?.imagined.state }

  func target(_ id: DeviceID, _ command: ActuatorCommand) -> Double? { hardware.target(id, command) }

  func obstacle(_ id: DeviceID, _ command: ActuatorCommand, as principal: Principal) -> HALError? {
    guard let output = outputs[id] else { return unknown(id, command, principal) }
    return hardware.obstacle(output.imagined, among: others, command, as: principal)
  }

  func carryOut(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration?, as principal: Principal, cause: Cause?
  ) throws(HALError) -> Receipt {
    do throws(HALError) {
      guard let output = outputs[id] else { throw unknown(id, command, principal) }
      let isNew = output.imagined.state.holder != principal.name && !hardware.isSafe(command, for: id)
      let receipt = try hardware.control(
        output.imagined, among: others, command, lease: lease, as: principal, cause: cause)
      // The old version of a shadow has its outputs: it would always have to wait.
      if isNew, case .busy(_, let holder, _)? = hardware.obstacle(id, command, as: principal) {
        shadows.noteWait(for: id, heldBy: holder, principal.name, cause)
      }
      onCommand(id)
      return receipt
    } catch {
      // A name that is no output of its own is not told apart from others.
      shadows.noteRefusal(of: outputs[id] == nil ? Self.others : id, error, to: principal.name, cause)
      throw error
    }
  }

  func release(_ id: DeviceID, holder: String, reason: String, cause: Cause?) throws(HALError) -> Bool {
    guard let output = outputs[id] else { throw .denied(id, operation: "release", principal: holder) }
    guard let present = output.imagined.state.holder else { return false }
    guard present == holder else { throw .busy(id, holder: present, until: output.imagined.state.leaseEnds) }
    output.imagined.release(holder: holder, reason: reason, cause: cause)
    return true
  }

  /// Ends all that a holder has.
  func releaseAll(holder: String, cause: Cause?) {
    for output in outputs.values { output.imagined.release(holder: holder, reason: "holder-ended", cause: cause) }
  }

  /// The refusal of an output that is not imagined, because there is none or the shadow may not command it.
  private func unknown(_ id: DeviceID, _ command: ActuatorCommand, _ principal: Principal) -> HALError {
    if hardware.output(id) != nil { return .denied(id, operation: "control", principal: principal.name) }
    return hardware.obstacle(id, command, as: principal) ?? .unavailable(id, "it is not known")
  }
}

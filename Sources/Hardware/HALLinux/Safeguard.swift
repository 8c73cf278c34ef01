import Glibc
import Guardian
import HAL
import Linux
import Model

/// Registers with the guardian the steps that make an output safe, for outputs that are no GPIO lines.
struct Safeguard {
  private let device: DeviceID
  private let identity: String
  private let guardian: (any OutputGuardian)?
  let onExit: ActuatorSettings.OnExit
  /// The safe level, 0 to 1.
  let safe: Double

  /// Takes the output over from a daemon that has died, if it left one of the same identity.
  init(_ device: DeviceID, _ settings: ActuatorSettings, _ identity: String, _ guardian: (any OutputGuardian)?) {
    self.device = device
    self.identity = identity
    self.guardian = guardian
    onExit = settings.onExit
    safe = settings.safe
    // The claimed descriptor is not needed: these outputs keep their level without a process and are reopened.
    if let left = guardian?.claim(device, identity: identity) { _ = Descriptor(owning: left) }
  }

  /// Registers texts to write to files, in this order. A file that cannot be opened now is left out.
  /// - Parameters:
  ///   - writes: at the death of this process.
  ///   - lapse: at the end of a lease while this process hangs; nil for the same writes.
  func protect(_ writes: [(path: String, text: String)], lapse: [(path: String, text: String)]? = nil) {
    guard let guardian else { return }
    var paths: [String] = []
    var numbers: [Int32] = []
    func step(_ path: String, _ text: String) -> GuardianStep? {
      if !paths.contains(path) {
        guard let file = try? System.open(path, O_WRONLY) else { return nil }
        paths.append(path)
        numbers.append(file.release())
      }
      return paths.firstIndex(of: path).map { GuardianStep(UInt8($0), .write(Array(text.utf8))) }
    }
    let steps = writes.compactMap(step)
    let lapse = lapse?.compactMap(step)
    guardian.protect(device, identity: identity, steps: steps, lapse: lapse, descriptors: numbers)
    for number in numbers { _ = Descriptor(owning: number) }
  }

  /// Registers an action on a descriptor, which the caller keeps.
  /// - Parameter lapse: the action at the end of a lease while this process hangs; nil for the same action.
  func protect(_ action: GuardianStep.Action, lapse: GuardianStep.Action?, _ descriptor: Int32) {
    guardian?.protect(
      device, identity: identity, steps: [GuardianStep(0, action)], lapse: lapse.map { [GuardianStep(0, $0)] },
      descriptors: [descriptor])
  }

  /// Removes the registered steps, because the output has gone.
  func withdraw() { guardian?.withdraw(device) }
}

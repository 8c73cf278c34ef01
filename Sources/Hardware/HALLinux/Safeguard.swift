import Glibc
import Guardian
import HAL
import Linux
import Model

/// What an output that is no GPIO line tells the guardian: how it is made safe without this process.
struct Safeguard {
  private let device: DeviceID
  private let identity: String
  private let guardian: (any OutputGuard)?
  /// What is asked for at the end.
  let onExit: ActuatorSettings.OnExit
  /// The level it is safe at.
  let safe: Double

  /// Takes the output over from a daemon that has died, where its identity is the same.
  init(_ device: DeviceID, _ settings: ActuatorSettings, _ identity: String, _ guardian: (any OutputGuard)?) {
    self.device = device
    self.identity = identity
    self.guardian = guardian
    onExit = settings.onExit
    safe = settings.safe
    // The descriptors are opened anew: these outputs are nobody's, and go on without a process.
    if let left = guardian?.claim(device, identity: identity) { _ = Descriptor(owning: left) }
  }

  /// Has texts written to files, in this order. A file that cannot be opened now is left out.
  /// - Parameter lapse: what is written when a lease runs out and this process does not answer; nil for the same.
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

  /// Has something done with a descriptor, which stays the caller's.
  /// - Parameter lapse: as above.
  func protect(_ action: GuardianStep.Action, lapse: GuardianStep.Action?, _ descriptor: Int32) {
    guardian?.protect(
      device, identity: identity, steps: [GuardianStep(0, action)], lapse: lapse.map { [GuardianStep(0, $0)] },
      descriptors: [descriptor])
  }

  /// The output has gone.
  func withdraw() { guardian?.withdraw(device) }
}

import HAL
import Model
import Orchestrator

// The emergency stop, as the control plane asks for it.
extension Zone {
  /// Goes on with the stop that an earlier run left, and follows those that come; before the hardware is opened.
  func followEmergencyStops() {
    let journal = self.journal
    stops = EmergencyStops(folder: configuration.settings.home, loop: loop, hardware: hardware, agents: agents) {
      journal.log(.error, "a change of the emergency stop would not survive a restart: \($0)")
    }
    guard let left = hardware.emergencyStop else { return }
    journal.log(
      .warning, "everything is stopped, by \(left.by), since before this start: 'openstarry estop --clear' ends that")
  }

  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    stops?.begin(by: client, reason: reason, cause: cause, done)
  }

  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    try stops?.clear(by: client, cause: cause, done)
  }
}

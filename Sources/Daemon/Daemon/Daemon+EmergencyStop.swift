import HAL
import Model
import Orchestrator

// The emergency stop, for the control plane.
extension Daemon {
  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    core.stops?.begin(by: client, reason: reason, cause: cause, done)
  }

  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    try core.stops?.clear(by: client, cause: cause, done)
  }
}

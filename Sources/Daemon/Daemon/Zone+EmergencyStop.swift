import HAL
import Model
import Orchestrator

// The emergency stop, as the control plane asks for it.
extension Zone {
  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    stops?.begin(by: client, reason: reason, cause: cause, done)
  }

  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    try stops?.clear(by: client, cause: cause, done)
  }
}

import HAL
import Linux
import Model

// The emergency stop, as the daemon as a whole sees it: agents pause, and it outlives a restart.
extension Zone {
  /// Goes on with the stop that an earlier run left, and follows those that come; before the hardware is opened.
  func followEmergencyStops() {
    let file = EmergencyStopFile(folder: configuration.settings.home, on: loop)
    if let left = file.left() {
      hardware.emergencyStop = left
      agents.isPaused = true
      journal.log(
        .warning, "everything is stopped, by \(left.by), since before this start: 'openstarry estop --clear' ends that")
    }
    hardware.onEmergencyStop = { [unowned self] stop in
      agents.isPaused = stop != nil
      stopsBeingKept += 1
      file.keep(stop) { [self] error in
        stopsBeingKept -= 1
        if let error { journal.log(.error, "a change of the emergency stop would not survive a restart: \(error)") }
        guard stopsBeingKept == 0 else { return }
        let waiting = waitingForStop
        waitingForStop = []
        for done in waiting { done(error) }
      }
    }
  }

  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    let isNew = hardware.stopEverything(by: client, reason: reason, cause: cause)
    whenKept { done(isNew, $0.map { "\($0)" }) }
  }

  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    let was = try hardware.clearEmergencyStop(by: client, cause: cause)
    whenKept { done(was, $0.map { "\($0)" }) }
  }

  private func whenKept(_ done: @escaping (SystemError?) -> Void) {
    if stopsBeingKept == 0 { done(nil) } else { waitingForStop.append(done) }
  }
}

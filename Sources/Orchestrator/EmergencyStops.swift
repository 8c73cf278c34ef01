import EventLoop
import HAL
import Linux
import Model

/// The emergency stop as the daemon as a whole sees it: hardware safe, agents paused, and it outlives a restart.
public final class EmergencyStops {
  private let hardware: Hardware
  private let agents: AgentSupervisor
  private let file: EmergencyStopFile
  private let onProblem: (SystemError) -> Void
  /// Changes that are on their way to the disk, and who waits for them.
  private var beingKept = 0
  /// Why the last change would not survive.
  private var problem: SystemError?
  /// The last change may not be on the disk: it failed, or an earlier run has left it and nobody can say.
  private var isDoubtful = false
  private var waiting: [(SystemError?) -> Void] = []

  /// Follows the stops of `hardware` from now on, and goes on with the one that an earlier run left; before the
  /// hardware is opened.
  /// - Parameters:
  ///   - folder: where it is kept.
  ///   - onProblem: told when a change would not survive a restart.
  public init(
    folder: String, loop: any Loop, hardware: Hardware, agents: AgentSupervisor,
    onProblem: @escaping (SystemError) -> Void
  ) {
    self.hardware = hardware
    self.agents = agents
    self.onProblem = onProblem
    file = EmergencyStopFile(folder: folder, on: loop)
    if let left = file.left() {
      hardware.emergencyStop = left
      agents.isPaused = true
      isDoubtful = true
    }
    hardware.onEmergencyStop = { [unowned self] in changed($0) }
  }

  private func changed(_ stop: EmergencyStop?) {
    agents.isPaused = stop != nil
    beingKept += 1
    file.keep(stop) { [self] error in
      beingKept -= 1
      problem = error
      isDoubtful = error != nil
      if let error { onProblem(error) }
      guard beingKept == 0 else { return }
      let waiting = self.waiting
      self.waiting = []
      for done in waiting { done(error) }
    }
  }

  /// Stops everything.
  /// - Parameter done: called when it would survive a power cut, with whether no stop was in force and, when it would
  ///   not survive, why.
  public func begin(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    let isNew = hardware.stopEverything(by: client, reason: reason, cause: cause)
    // Whoever asks again is not told that it is kept when it is not.
    if !isNew, beingKept == 0, isDoubtful { changed(hardware.emergencyStop) }
    whenKept { done(isNew, $0.map { "\($0)" }) }
  }

  /// Lets commands through again.
  /// - Parameter done: as for `begin`, with whether a stop was in force.
  /// - Throws: `limited` while an input asks for the stop.
  public func clear(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    let was = try hardware.clearEmergencyStop(by: client, cause: cause)
    whenKept { done(was, $0.map { "\($0)" }) }
  }

  /// Calls `done` when what is in force would survive a power cut, with why it would not.
  public func whenKept(_ done: @escaping (SystemError?) -> Void) {
    if beingKept == 0 { done(problem) } else { waiting.append(done) }
  }
}

import EventLoop
import HAL
import Linux
import Model

/// The emergency stop of the whole daemon: outputs safe, agents paused, waits of rules dropped. It survives a restart.
package final class EmergencyStops {
  private let loop: any Loop
  private let log: EventLog
  private let hardware: Hardware
  private let agents: AgentSupervisor
  private let rules: RuleRunner
  private let file: EmergencyStopFile
  private let onProblem: (SystemError) -> Void
  /// Changes on their way to the disk, with the requests that wait for them.
  private var beingKept = 0
  /// Why the last change would not survive a restart; nil when it would. It is retried until then.
  package private(set) var problem: SystemError?
  /// Whether the last change may not be on the disk: the write failed, or the file of an earlier run was not verified.
  private var isDoubtful = false
  private var waiting: [(SystemError?) -> Void] = []
  private var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
  private var retry: TimerID?
  private var isOver = false

  /// Follows the stops of `hardware`, and restores the stop that an earlier run left. Call it before the hardware is
  /// opened.
  /// - Parameters:
  ///   - folder: the folder of the stop file.
  ///   - log: gets `system:stop_not_kept` {stopped, error} when a change would not survive a restart, and
  ///     `system:stop_kept` {stopped} when it would after an earlier failure.
  ///   - onProblem: called for each failure that a request has waited for.
  init(
    folder: String, loop: any Loop, log: EventLog, hardware: Hardware, agents: AgentSupervisor, rules: RuleRunner,
    onProblem: @escaping (SystemError) -> Void
  ) {
    self.loop = loop
    self.log = log
    self.hardware = hardware
    self.agents = agents
    self.rules = rules
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
    // Rules first: an agent that drops an event would let a rule start the firing queued behind it.
    if stop != nil { rules.stopBegan() } else { rules.stopCleared() }
    agents.isPaused = stop != nil
    keep()
  }

  /// Writes the current state.
  /// - Parameter isRetry: whether this is a retry and not a request.
  private func keep(isRetry: Bool = false) {
    if let retry { loop.cancel(retry) }
    retry = nil
    beingKept += 1
    file.keep(hardware.emergencyStop) { [self] error in
      beingKept -= 1
      isDoubtful = error != nil
      if let error, !isRetry { onProblem(error) }
      tell(error)
      guard beingKept == 0 else { return }
      let waiting = self.waiting
      self.waiting = []
      for done in waiting { done(error) }
      if isDoubtful { keepLater() }
    }
  }

  private func tell(_ error: SystemError?) {
    let wasKept = problem == nil
    problem = error
    let stopped = hardware.emergencyStop != nil
    if let error {
      _ = backoff.next()
      guard wasKept else { return }
      log.publish(SystemEvents.stopNotKept(stopped: stopped, error: "\(error)"), from: "system")
    } else {
      backoff.reset()
      if !wasKept { log.publish(SystemEvents.stopKept(stopped: stopped), from: "system") }
    }
  }

  /// Retries after 2 s, then with doubled waits up to a minute.
  private func keepLater() {
    guard !isOver else { return }
    retry = loop.schedule(after: backoff.delay) { [unowned self] in
      retry = nil
      keep(isRetry: true)
    }
  }

  /// Starts an emergency stop. The hardware is safe when this returns.
  /// - Parameter done: called when the stop would survive a power cut, or the disk has not answered within a second: whether
  ///   no stop was in force before, and why it would not survive; nil if it would.
  package func begin(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    let isNew = hardware.stopEverything(by: client, reason: reason, cause: cause)
    // Retry a failed write first, so that a repeated request is not told that the stop is kept when it is not.
    if !isNew, beingKept == 0, isDoubtful { keep() }
    var isAnswered = false
    func answer(_ problem: String?) {
      if !isAnswered { done(isNew, problem) }
      isAnswered = true
    }
    // Whoever waits for longer believes that nothing has stopped.
    let alarm = loop.schedule(after: .seconds(1)) { answer("the disk has not answered yet") }
    whenKept { [loop] in
      loop.cancel(alarm)
      answer($0.map { "\($0)" })
    }
  }

  /// Ends the emergency stop.
  /// - Parameter done: as for `begin`, with whether a stop was in force.
  /// - Throws: `limited` while an input holds the stop.
  package func clear(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    // Before commands pass again: events from before the stop must not move anything after it.
    if hardware.emergencyStop != nil { log.handOnAll() }
    let was = try hardware.clearEmergencyStop(by: client, cause: cause)
    if !was, beingKept == 0, isDoubtful { keep() }
    whenKept { done(was, $0.map { "\($0)" }) }
  }

  /// Calls `done` when the current state would survive a power cut, with the reason if it would not.
  package func whenKept(_ done: @escaping (SystemError?) -> Void) {
    if beingKept == 0 { done(problem) } else { waiting.append(done) }
  }

  /// Writes an unwritten state one last time, without retries.
  /// - Parameter done: called once, when the state is on the disk or could not be written.
  func end(_ done: @escaping () -> Void) {
    isOver = true
    if let retry { loop.cancel(retry) }
    retry = nil
    if beingKept == 0, problem != nil { keep() }
    whenKept { _ in done() }
  }
}

import EventLoop
import HAL
import Linux
import Model

/// The emergency stop as the daemon as a whole sees it: hardware safe, agents paused, rules without what they waited for,
/// and it outlives a restart.
public final class EmergencyStops {
  private let loop: any Loop
  private let log: EventLog
  private let hardware: Hardware
  private let agents: AgentSupervisor
  private let rules: RuleRunner
  private let file: EmergencyStopFile
  private let onProblem: (SystemError) -> Void
  /// Changes that are on their way to the disk, and who waits for them.
  private var beingKept = 0
  /// Why the last change would not survive a restart; nil when it would. It is tried again until then.
  public private(set) var problem: SystemError?
  /// The last change may not be on the disk: it failed, or an earlier run has left it and nobody can say.
  private var isDoubtful = false
  private var waiting: [(SystemError?) -> Void] = []
  /// Failures in a row.
  private var failures = 0
  private var retry: TimerID?
  private var isOver = false

  /// Follows the stops of `hardware` from now on, and goes on with the one that an earlier run left; before the
  /// hardware is opened.
  /// - Parameters:
  ///   - folder: where it is kept.
  ///   - log: told `system:stop_not_kept` {stopped, error} when a change would not survive a restart, and
  ///     `system:stop_kept` {stopped} when one that failed would after all.
  ///   - onProblem: told of each failure that somebody has waited for.
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
    // Rules first: an agent that lets go of an event would let a rule begin what is queued behind it.
    if stop != nil { rules.stopBegan() } else { rules.stopCleared() }
    agents.isPaused = stop != nil
    keep()
  }

  /// Writes what is in force.
  /// - Parameter isRetry: nobody has asked for it.
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
      failures += 1
      guard wasKept else { return }
      log.publish(SystemEvents.stopNotKept(stopped: stopped, error: "\(error)"), from: "system")
    } else {
      failures = 0
      if !wasKept { log.publish(SystemEvents.stopKept(stopped: stopped), from: "system") }
    }
  }

  /// Tries again after 2 s, and then after waits that double, up to a minute.
  private func keepLater() {
    guard !isOver else { return }
    retry = loop.schedule(after: .seconds(min(60, 1 << min(failures, 6)))) { [unowned self] in
      retry = nil
      keep(isRetry: true)
    }
  }

  /// Stops everything.
  /// - Parameter done: called when it would survive a power cut, with whether no stop was in force and, when it would
  ///   not survive, why.
  public func begin(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    let isNew = hardware.stopEverything(by: client, reason: reason, cause: cause)
    // Whoever asks again is not told that it is kept when it is not.
    if !isNew, beingKept == 0, isDoubtful { keep() }
    whenKept { done(isNew, $0.map { "\($0)" }) }
  }

  /// Lets commands through again.
  /// - Parameter done: as for `begin`, with whether a stop was in force.
  /// - Throws: `limited` while an input asks for the stop.
  public func clear(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    // While nothing can come of it: what happened before moves nothing after it.
    if hardware.emergencyStop != nil { log.handOnAll() }
    let was = try hardware.clearEmergencyStop(by: client, cause: cause)
    if !was, beingKept == 0, isDoubtful { keep() }
    whenKept { done(was, $0.map { "\($0)" }) }
  }

  /// Calls `done` when what is in force would survive a power cut, with why it would not.
  public func whenKept(_ done: @escaping (SystemError?) -> Void) {
    if beingKept == 0 { done(problem) } else { waiting.append(done) }
  }

  /// Writes what could not be written for the last time, and tries no more.
  /// - Parameter done: called once, when it is on the disk or could not be written.
  func end(_ done: @escaping () -> Void) {
    isOver = true
    if let retry { loop.cancel(retry) }
    retry = nil
    if beingKept == 0, problem != nil { keep() }
    whenKept { _ in done() }
  }
}

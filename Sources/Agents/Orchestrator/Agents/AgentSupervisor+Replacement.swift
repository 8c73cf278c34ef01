import Agent
import Model

// Replaces an agent, which may be running, by another version.
extension AgentSupervisor {
  /// How often a new version is checked during its trial.
  private static let lookEvery = Duration.milliseconds(100)
  /// How long a new version may take to start before its trial begins: its module may have to be compiled.
  private static let longestStart = Duration.seconds(60)

  /// Registers an agent or replaces it. A running one is stopped within its grace time and started again. Events
  /// meanwhile are refused.
  /// - Parameters:
  ///   - trial: how long the new version, which is started for this, must run without a failure, a kill or an emergency
  ///     stop; nil for no trial.
  ///     Until the trial is over the new version is not stored: after a restart of the daemon, or a failure, the former
  ///     one is back.
  ///   - cause: what led to it; nil starts a causal chain.
  ///   - done: called once, now or later; not at all when the daemon ends first.
  package func replace(
    _ manifest: Manifest, trial: Duration? = nil, cause: Cause?,
    _ done: @escaping (Result<Void, AgentControlError>) -> Void
  ) {
    do throws(AgentControlError) {
      try validate(manifest)
      try checkLattice(manifest)
    } catch {
      return done(.failure(error))
    }
    if agents[manifest.id]?.isLeaving ?? false { return done(.failure(.draining(manifest.id))) }
    // A trial would start it.
    if trial != nil, disabled.contains(manifest.id) { return done(.failure(.disabled(manifest.id))) }
    let isNew = agents[manifest.id] == nil
    makeRoom(manifest.id, cause: cause) { [unowned self] wasRunning in
      do throws(AgentControlError) {
        guard let trial else {
          try register(manifest)
          if isNew { startResident([manifest.id]) }
          if wasRunning { restore(manifest.id, cause: cause) }
          return done(.success(()))
        }
        try begin(Trial(manifest, of: trial, former: former(of: manifest.id, wasRunning), cause: cause, done: done))
      } catch {
        if wasRunning { restore(manifest.id, cause: cause) }
        done(.failure(error))
      }
    }
  }

  /// Stops a running agent and keeps it from being started.
  /// - Parameter then: called once when nothing of the instance is left, with whether it ran.
  private func makeRoom(_ id: AgentID, cause: Cause?, _ then: @escaping (Bool) -> Void) {
    guard let agent = agents[id], agent.isLive else { return then(false) }
    agent.isLeaving = true
    agent.onEnd.append { [unowned self, weak agent] in
      // Later, outside of the handlers of its end.
      clock.schedule(after: .zero) {
        agent?.isLeaving = false
        then(true)
      }
    }
    agent.feed(.kill(now: false), cause: cause)
  }

  /// Starts an agent that ran before it was replaced.
  private func restore(_ id: AgentID, cause: Cause?) {
    guard let agent = agents[id], agent.manifest.runtime.lifecycle != .oneShot else { return }
    if waitsForBlocker(agent) { return }
    guard agent.mayStart else { return }
    agent.feed(.spawn, cause: cause)
  }

  // MARK: The trial

  /// A new version on trial.
  private final class Trial {
    let manifest: Manifest
    let length: Duration
    let former: Former?
    let cause: Cause?
    let done: (Result<Void, AgentControlError>) -> Void
    var begin: Instant?

    init(
      _ manifest: Manifest, of length: Duration, former: Former?, cause: Cause?,
      done: @escaping (Result<Void, AgentControlError>) -> Void
    ) {
      (self.manifest, self.length, self.former, self.cause, self.done) = (manifest, length, former, cause, done)
    }

    var id: AgentID { manifest.id }

    /// `version 2.0.0 of agent 'climate'`.
    var name: String { "version \(manifest.version) of agent '\(id)'" }
  }

  /// Why a new version is not kept.
  private enum Verdict {
    case failed(String)
    /// It did not fail, but somebody ended the trial.
    case unproven(String)

    var sentence: String {
      switch self {
      case .failed(let why): "failed: \(why)"
      case .unproven(let why): "is not proven: \(why)"
      }
    }
  }

  /// The former version, restored when the new one fails.
  private struct Former {
    var manifest: Manifest
    var documentHash: Int
    var programHash: Int?
    var wasRunning: Bool
    var quarantine: AgentFailure?
  }

  private func former(of id: AgentID, _ wasRunning: Bool) -> Former? {
    agents[id].map {
      Former(
        manifest: $0.manifest, documentHash: $0.documentHash, programHash: $0.programHash, wasRunning: wasRunning,
        quarantine: quarantines?.quarantine(of: id))
    }
  }

  private func begin(_ trial: Trial) throws(AgentControlError) {
    quarantines?.release(trial.id)
    try adopt(trial.manifest, state: durableState(trial.id))
    guard let agent = agents[trial.id] else { return }
    do throws(AgentControlError) { try checkObstacles(agent) } catch {
      return goBack(trial, .unproven(error.reason))
    }
    agent.feed(.spawn, cause: trial.cause)
    look(at: agent, trial, giveUp: clock.now + Self.longestStart)
  }

  private func look(at agent: ManagedAgent, _ trial: Trial, giveUp: Instant) {
    guard agents[trial.id] === agent else {
      return trial.done(
        .failure(.turnedBack(trial.id, "\(trial.name) was replaced or removed while it was on trial")))
    }
    let now = clock.now
    if isPaused { return goBack(trial, .unproven("an emergency stop was in force during the trial")) }
    switch agent.lifecycle.state {
    case _ where agent.failures > 0 || agent.lifecycle.lastFailure != nil: return goBack(trial, .failed(agent.trouble))
    // A refused start is no failure, but the agent does not run either.
    case .backoff, .quarantined: return goBack(trial, .failed(agent.trouble))
    case .starting:
      if now >= giveUp { return goBack(trial, .failed("it did not start within \(Self.longestStart.text)")) }
    case .idle where [.killed, .parentEnded, .siblingFailed].contains(agent.lifecycle.lastExit):
      let what =
        agent.isDisabled ? "disabled" : agent.lifecycle.lastExit == .killed ? "killed" : "ended with another agent"
      return goBack(trial, .unproven("it was \(what) during the trial"), startingAgain: false)
    // Judged by how it ends.
    case .draining, .stopping: break
    default:
      let begin = trial.begin ?? now
      trial.begin = begin
      if now - begin >= trial.length { return accept(trial) }
    }
    clock.schedule(after: Self.lookEvery) { [weak self] in self?.look(at: agent, trial, giveUp: giveUp) }
  }

  private func accept(_ trial: Trial) {
    do throws(AgentControlError) { try keep(trial.manifest) } catch {
      return goBack(trial, .failed(error.description))
    }
    trial.done(.success(()))
  }

  /// Says what of a former version is back.
  private func sentence(about former: Former, after failed: Manifest) -> String {
    let version = "version \(former.manifest.version)"
    let back = former.quarantine == nil ? "is back" : "is back, in quarantine as before"
    switch former.manifest.lostProgram(after: failed, hash: former.programHash) {
    case nil: return "\(version) \(back)"
    case .file(let path):
      return "the manifest of \(version) \(back), but not its program \(path), which was changed in place: keep a "
        + "folder for each version"
    case .image(let name):
      return "the manifest of \(version) \(back), with the image \(name) as it is now: keep a tag for each version"
    }
  }

  /// - Parameter startingAgain: false leaves the former version ended, although it ran.
  private func goBack(_ trial: Trial, _ verdict: Verdict, startingAgain: Bool = true) {
    let id = trial.id
    makeRoom(id, cause: trial.cause) { [unowned self] _ in
      var outcome = "\(trial.name) \(verdict.sentence)"
      if let former = trial.former {
        do throws(AgentControlError) {
          if let quarantine = former.quarantine {
            quarantines?.quarantine(id, for: quarantine)
          } else {
            quarantines?.release(id)
          }
          try adopt(former.manifest, state: durableState(id))
          agents[id]?.documentHash = former.documentHash
          agents[id]?.programHash = former.programHash
          if former.wasRunning, startingAgain { restore(id, cause: trial.cause) }
          outcome += "; \(sentence(about: former, after: trial.manifest))"
        } catch {
          outcome += "; version \(former.manifest.version) cannot come back: \(error.reason)"
        }
        log(id, .error, outcome)
      } else {
        remove(id)
        outcome += "; there was none before, and there is none now"
      }
      trial.done(.failure(.turnedBack(id, outcome)))
    }
  }
}

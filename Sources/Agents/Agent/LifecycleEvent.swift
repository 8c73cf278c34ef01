import Model

/// What can happen to an agent, as its lifecycle sees it.
public enum LifecycleEvent: Sendable, Hashable {
  /// Somebody, or the start of the daemon, asked for it to run.
  case spawn
  /// An event was put into its queue.
  case deliver
  /// The driver has made the instance that `startInstance` asked for.
  case started
  /// The driver could not make it.
  case startFailed(AgentFailure)
  /// It could not begin because the board refused it something, such as the reading of a sensor that is away.
  case startRefused(AgentError)
  /// The activation ended well.
  case completed
  /// The activation ended with a refusal that the agent passed on: nothing is wrong with the instance.
  case refused(AgentError)
  /// The activation failed, or a watchdog gave the instance up; the instance itself may still be there.
  case failed(AgentFailure)
  /// The instance is gone: after `stopInstance`, or by itself, and then in words why.
  case exited(ExitReason, String? = nil)
  /// Somebody asked for its end; `now` does not wait for the running activation (SIGKILL).
  case kill(now: Bool)
  /// The time that `scheduleGrace` named is over.
  case graceElapsed
  /// The time that `scheduleBackoff` named is over.
  case backoffElapsed
  /// A person asked for a fresh instance; lets an agent out of quarantine.
  case restart
  /// The board is short of something: it ends, and what waits for it is dropped.
  case shed(ExitReason)
  /// It is not to run until a person lets it out: an earlier run of the daemon ended by its fault.
  case quarantine(AgentFailure)
  /// The daemon ends: nothing is started from here on.
  case shutdown
}

/// What is to be done after a lifecycle event, in this order. Values only: the orchestrator carries them out.
public enum LifecycleEffect: Sendable, Hashable {
  /// Have the driver make an instance; answered by `started`, `startFailed` or `startRefused`.
  case startInstance
  /// Hand the instance the first queued event; answered by `completed`, `refused` or `failed`.
  case activate
  /// End the instance; answered by `exited`. A second one with `now` may follow one without.
  case stopInstance(now: Bool)
  /// Send `backoffElapsed` after this long.
  case scheduleBackoff(Duration)
  /// Send `graceElapsed` after this long.
  case scheduleGrace(Duration)
  /// Forget the scheduled back-off or grace time.
  case cancelTimers
  /// Publish what has become of the agent.
  case publish(LifecycleNews)
  /// Add a line to the ledger.
  case record(LifecycleRecord)
  /// Remember over the daemon's next start that it is quarantined.
  case keepQuarantine(AgentFailure)
  /// Count a refusal, and tell of it unless the same was told a while ago.
  case refuse(AgentError)
  /// End every lease the agent holds, so that its actuators go to their safe states; harmless when it holds none.
  case releaseHardware
  /// Drop the events that wait for it.
  case clearQueue
  /// Nothing of the instance is left: tell whoever waits for its end.
  case done
}

/// What people ask about later: a line of the ledger.
public enum LifecycleRecord: Sendable, Hashable {
  /// It failed.
  case failed(AgentFailure)
  /// It is quarantined: the reason, and why in words.
  case quarantined(ExitReason, String)
  /// Somebody ended it.
  case killed
}

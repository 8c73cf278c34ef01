import Model

/// An input of the lifecycle table.
package enum LifecycleEvent: Sendable, Hashable {
  /// A client, a rule or the daemon's start asked for the agent to run.
  case spawn
  /// An event was added to the agent's queue.
  case deliver
  /// The driver has created the instance that `startInstance` asked for.
  case started
  /// The driver could not create the instance.
  case startFailed(AgentFailure)
  /// The agent could not start because the board refused it something, such as a reading of a lost sensor.
  case startRefused(AgentError)
  /// The activation succeeded.
  case completed
  /// The activation ended with an unhandled refusal; the instance is still usable.
  case refused(AgentError)
  /// The activation failed, or a watchdog gave up on the instance; the instance may still exist.
  case failed(AgentFailure)
  /// The instance has ended, after `stopInstance` or by itself. The text says why when it ended by itself.
  case exited(ExitReason, String? = nil)
  /// A client or a rule asked to stop the agent; `now` does not wait for the running activation (SIGKILL).
  case kill(now: Bool)
  /// The delay of `scheduleGrace` has elapsed.
  case graceElapsed
  /// The delay of `scheduleBackoff` has elapsed.
  case backoffElapsed
  /// A person asked for a fresh instance; releases a quarantined agent.
  case restart
  /// The agent is to end for a reason that is neither its own nor a person's: the board is short of a resource, or its parent
  /// or a sibling has ended. It is stopped, and its queue dropped.
  case end(ExitReason)
  /// The agent with which this one is ending is there again: it starts once it has ended. The reason of its end stays.
  case comeBack
  /// The agent must not run until a person releases it: it ended an earlier run of the daemon, or has been in quarantine
  /// before. The ledger has that already.
  case quarantine(AgentFailure)
  /// The daemon is shutting down: nothing is started from here on.
  case shutdown
}

/// An output of the lifecycle table: a value that the orchestrator carries out, in the given order.
package enum LifecycleEffect: Sendable, Hashable {
  /// Have the driver create an instance; answered by `started`, `startFailed` or `startRefused`.
  case startInstance
  /// Hand the first queued event to the instance; answered by `completed`, `refused`, `failed` or `exited`.
  case activate
  /// Stop the instance; answered by `exited`. `now: true` may follow `now: false`.
  case stopInstance(now: Bool)
  /// Give up the start that `startInstance` began; answered by `startFailed` with `killed`, or, if it came too late, by
  /// `started`.
  case cancelStart
  /// Send `backoffElapsed` after this long.
  case scheduleBackoff(Duration)
  /// Send `graceElapsed` after this long.
  case scheduleGrace(Duration)
  /// Cancel the scheduled back-off or grace timer.
  case cancelTimers
  /// Publish an event about the agent.
  case publish(LifecycleNews)
  /// Add a line to the ledger.
  case record(LifecycleRecord)
  /// Store the quarantine, so that it survives a restart of the daemon.
  case keepQuarantine(AgentFailure)
  /// Count a refusal, and publish it unless the same refusal was published recently.
  case refuse(AgentError)
  /// End every lease the agent holds, so that its actuators go to their safe states; harmless when it holds none.
  case releaseHardware
  /// Drop the agent's queued events.
  case clearQueue
  /// The instance has ended: call the completions that wait for this.
  case done
}

/// A line of the ledger, which `history` shows.
package enum LifecycleRecord: Sendable, Hashable {
  /// The agent failed.
  case failed(AgentFailure)
  /// The agent was quarantined.
  case quarantined(AgentFailure)
  /// The agent was stopped for no failure of its own: by a client or a rule, with its parent or a sibling, or because the
  /// board was short of memory.
  case stopped(ExitReason)
}

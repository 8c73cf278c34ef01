import Agent
import EventLoop
import HAL
import Model

extension DaemonCore {
  /// What the core runs on.
  package struct Site {
    /// Where everything runs.
    package var loop: any Loop
    /// Takes the events of all parts.
    package var log: EventLog
    /// The gate; not open yet.
    package var hardware: Hardware
    /// The folder of the registry and of the emergency stop.
    package var home: String
    /// The kernel's id of this boot; empty where there is none.
    package var boot: String
    /// The isolations there are.
    package var drivers: [any AgentDriver]
    /// The files that agents may read.
    package var files: any FileReading = AgentFiles()
    /// How many log lines are kept for each agent.
    package var logLines = 100
    /// What all agents together may use.
    package var limits = BoardLimits()
    /// Makes what asks language models; nil for none.
    package var model: (StoredRegistry) -> (any ModelGateway & ModelControl)? = { _ in nil }
    /// Spreads the times of restarts.
    package var random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    /// What shows that the wall clock is right.
    package var clockEvidence = BoardClock.Evidence()
    /// How far local time is ahead of UTC at a moment, both in seconds.
    package var utcOffset: (Int64) -> Int = { _ in 0 }
    /// Keeps the leases of outputs when the daemon dies; nil where nothing does.
    package var guardian: (any DaemonCoreGuardian)?

    /// A place without guardian; `home` is a folder that exists.
    package init(
      loop: any Loop, log: EventLog, hardware: Hardware, home: String, boot: String = "", drivers: [any AgentDriver]
    ) {
      self.loop = loop
      self.log = log
      self.hardware = hardware
      self.home = home
      self.boot = boot
      self.drivers = drivers
    }
  }
}

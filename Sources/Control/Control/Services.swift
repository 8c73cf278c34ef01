import Agent
import HAL
import Model
import Projection
import Rules

/// The parts of the daemon that methods use.
public struct Services {
  /// Operations on the daemon as a whole.
  public var daemon: any DaemonControl
  /// Starts, ends and lists agents.
  public var agents: any AgentControl
  /// The retained events.
  public var events: any EventHistory
  /// Publishes events.
  public var sink: any EventSink
  /// Lists, tests and reloads rules.
  public var rules: any RuleControl
  /// The board's devices.
  public var hardware: Hardware
  /// The simulation behind `hal.simulate`; nil on a real board.
  public var simulation: (any SimulationControl)?
  /// The source of every status view.
  public var projection: Projection

  /// Creates the services of one daemon.
  public init(
    daemon: any DaemonControl, agents: any AgentControl, events: any EventHistory, sink: any EventSink,
    rules: any RuleControl, hardware: Hardware, simulation: (any SimulationControl)?, projection: Projection
  ) {
    self.daemon = daemon
    self.agents = agents
    self.events = events
    self.sink = sink
    self.rules = rules
    self.hardware = hardware
    self.simulation = simulation
    self.projection = projection
  }
}

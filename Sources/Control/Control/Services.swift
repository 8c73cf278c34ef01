import Agent
import HAL
import Model
import Projection
import Rules

/// What the methods work on.
public struct Services {
  /// The daemon as a whole.
  public var daemon: any DaemonControl
  /// The agents.
  public var agents: any AgentControl
  /// The events that are still known.
  public var events: any EventHistory
  /// Where events are published.
  public var sink: any EventSink
  /// The rules.
  public var rules: any RuleControl
  /// The board.
  public var hardware: Hardware
  /// What `hal.simulate` changes; nil on a board with nothing simulated.
  public var simulation: (any SimulationControl)?
  /// The tree that every view is made from.
  public var projection: Projection

  /// The services of one daemon.
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

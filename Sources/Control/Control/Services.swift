import Agent
import HAL
import Model
import Projection
import Rules

/// The parts of the daemon that methods use.
package struct Services {
  /// Operations on the daemon as a whole.
  package var daemon: any DaemonControl
  /// Registers and removes agents.
  package var registry: any RegistryControl
  /// Starts, ends and lists agents.
  package var agents: any AgentControl
  /// The retained events.
  package var events: any EventHistory
  /// Publishes events.
  package var sink: any EventSink
  /// Lists, tests and reloads rules.
  package var rules: any RuleControl
  /// The board's devices.
  package var hardware: Hardware
  /// The simulation behind `hal.simulate`; nil on a real board.
  package var simulation: (any SimulationControl)?
  /// The language models; nil where there is no gateway.
  package var models: (any ModelControl)?
  /// Compares shadows with what was done; nil where there are none.
  package var shadows: (any ShadowControl)?
  /// The source of every status view.
  package var projection: Projection
  /// The services that agents offer to one another.
  package let directory = ServiceDirectory()

  /// Creates the services of one daemon.
  package init(
    daemon: any DaemonControl, registry: any RegistryControl, agents: any AgentControl, events: any EventHistory,
    sink: any EventSink, rules: any RuleControl, hardware: Hardware, simulation: (any SimulationControl)?,
    models: (any ModelControl)? = nil, shadows: (any ShadowControl)? = nil, projection: Projection
  ) {
    self.daemon = daemon
    self.registry = registry
    self.agents = agents
    self.events = events
    self.sink = sink
    self.rules = rules
    self.hardware = hardware
    self.simulation = simulation
    self.models = models
    self.shadows = shadows
    self.projection = projection
  }
}

/// An action of a rule. `Payload` is the payload of an `emit`: source expressions, compiled programs, or values.
package enum RuleAction<Payload> {
  /// Starts an agent if it is not running, and hands it the event.
  case spawn(AgentID)
  /// Hands the event to an agent, starting it if its lifecycle is `on-demand`.
  case wake(AgentID)
  /// Stops an agent, within its grace time.
  case kill(AgentID)
  /// Commands an actuator.
  case actuate(DeviceID, ActuatorCommand, lease: Duration?)
  /// Publishes an event.
  case emit(String, Payload)

  /// The action with its payload transformed.
  /// - Parameter change: called once for an `emit`, never for other actions.
  package func map<New>(_ change: (Payload) -> New) -> RuleAction<New> {
    switch self {
    case .spawn(let agent): .spawn(agent)
    case .wake(let agent): .wake(agent)
    case .kill(let agent): .kill(agent)
    case .actuate(let device, let command, let lease): .actuate(device, command, lease: lease)
    case .emit(let type, let payload): .emit(type, change(payload))
    }
  }

  /// The agent that the action names; nil for `actuate` and `emit`.
  package var agent: AgentID? {
    switch self {
    case .spawn(let agent), .wake(let agent), .kill(let agent): agent
    case .actuate, .emit: nil
    }
  }

  /// Whether it may move an output: it commands one, or activates an agent.
  package var mayMove: Bool {
    switch self {
    case .actuate, .spawn, .wake: true
    case .kill, .emit: false
    }
  }

  /// The action in the syntax of rule files: `actuate(fan, on, lease: 1m)`.
  /// - Parameter fields: formats the fields of a payload, each like `over: value - 30.0`.
  package func text(_ fields: (Payload) -> [String]) -> String {
    switch self {
    case .spawn(let agent): "spawn(\(agent))"
    case .wake(let agent): "wake(\(agent))"
    case .kill(let agent): "kill(\(agent))"
    case .actuate(let device, let command, let lease):
      "actuate(\(device), \(Self.text(command))\(lease.map { ", lease: \($0.text)" } ?? ""))"
    case .emit(let type, let payload): "emit(\(([type] + fields(payload)).joined(separator: ", ")))"
    }
  }

  private static func text(_ command: ActuatorCommand) -> String {
    switch command {
    case .off: "off"
    case .on: "on"
    case .level(let level): "\(level)"
    case .pulse(let length): "pulse \(length.text)"
    }
  }
}

extension RuleAction: Sendable where Payload: Sendable {}
extension RuleAction: Equatable where Payload: Equatable {}
extension RuleAction: Hashable where Payload: Hashable {}

/// A payload field of an `emit`, as in the rule file.
package struct EmitField: Sendable, Hashable {
  /// The field's name.
  package var name: String
  /// The CEL expression of the value, with the same variables as the rule's condition.
  package var expression: String
  /// Where the expression begins.
  package var location: Location

  /// A field; its expression is not parsed here.
  package init(name: String, expression: String, location: Location = Location(file: "<rules>")) {
    self.name = name
    self.expression = expression
    self.location = location
  }
}

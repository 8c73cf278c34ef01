/// An action of a rule. `Payload` is what its expressions give, by name: source expressions, compiled programs, or values.
package enum RuleAction<Payload> {
  /// Starts an agent if it is not running, and hands it the event.
  case spawn(AgentID)
  /// Hands the event to an agent, starting it if its lifecycle is `on-demand`.
  case wake(AgentID)
  /// Stops an agent, within its grace time.
  case kill(AgentID)
  /// Commands an actuator.
  case actuate(DeviceID, ActuatorCommand, lease: Duration?)
  /// Ends the lease that a rule has on an actuator, which goes safe.
  case release(DeviceID)
  /// Publishes an event; the payload is that of the event.
  case emit(String, Payload)
  /// Tells people; the payload has `text`.
  case notify(Payload, to: String?, picture: DeviceID?)
  /// Writes a line into the daemon's log; the payload has `text`.
  case log(Payload)
  /// Sets a variable of the rules; the payload has `value`.
  case set(String, Payload)
  /// Waits before the next action.
  case wait(Duration)
  /// Waits before the next action until a condition is true, and fails when that takes longer than `within`.
  case waitFor(RuleDeclaration.Condition, within: Duration)

  /// The action with its payload transformed.
  /// - Parameter change: called once for an action with a payload, never for others.
  package func map<New>(_ change: (Payload) -> New) -> RuleAction<New> {
    switch self {
    case .spawn(let agent): .spawn(agent)
    case .wake(let agent): .wake(agent)
    case .kill(let agent): .kill(agent)
    case .actuate(let device, let command, let lease): .actuate(device, command, lease: lease)
    case .release(let device): .release(device)
    case .emit(let type, let payload): .emit(type, change(payload))
    case .notify(let payload, let to, let picture): .notify(change(payload), to: to, picture: picture)
    case .log(let payload): .log(change(payload))
    case .set(let name, let payload): .set(name, change(payload))
    case .wait(let time): .wait(time)
    case .waitFor(let condition, let time): .waitFor(condition, within: time)
    }
  }

  /// What its expressions give; nil for an action without expressions.
  package var payload: Payload? {
    switch self {
    case .emit(_, let payload), .notify(let payload, _, _), .log(let payload), .set(_, let payload): payload
    case .spawn, .wake, .kill, .actuate, .release, .wait, .waitFor: nil
    }
  }

  /// The agent that the action names; nil for actions that name none.
  package var agent: AgentID? {
    switch self {
    case .spawn(let agent), .wake(let agent), .kill(let agent): agent
    default: nil
    }
  }

  /// Whether it may move an output: it commands one, or activates an agent.
  package var mayMove: Bool {
    switch self {
    case .actuate, .spawn, .wake: true
    default: false
    }
  }

  /// Whether the actions after it are carried out later.
  package var waits: Bool {
    switch self {
    case .wait, .waitFor: true
    default: false
    }
  }

  /// The action in the syntax of rule files: `actuate(fan, on, lease: 1m)`.
  /// - Parameter fields: the fields of a payload, with their expressions or values as text.
  package func text(_ fields: (Payload) -> [(name: String, text: String)]) -> String {
    func one(_ payload: Payload) -> String { fields(payload).first?.text ?? "" }
    return switch self {
    case .spawn(let agent): "spawn(\(agent))"
    case .wake(let agent): "wake(\(agent))"
    case .kill(let agent): "kill(\(agent))"
    case .actuate(let device, let command, let lease):
      "actuate(\(device), \(Self.text(command))\(lease.map { ", lease: \($0.text)" } ?? ""))"
    case .release(let device): "release(\(device))"
    case .emit(let type, let payload):
      "emit(\(([type] + fields(payload).map { "\($0.name): \($0.text)" }).joined(separator: ", ")))"
    case .notify(let payload, let to, let picture):
      "notify(\(one(payload))\(to.map { ", to: \($0)" } ?? "")\(picture.map { ", picture: \($0)" } ?? ""))"
    case .log(let payload): "log(\(one(payload)))"
    case .set(let name, let payload): "set(\(name), \(one(payload)))"
    case .wait(let time): "wait(\(time.text))"
    case .waitFor(let condition, let time): "wait_for(\(condition.text), within: \(time.text))"
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

/// An expression of an action, as in the rule file: a payload field of an `emit`, the `text` of a `notify`.
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

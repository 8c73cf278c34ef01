/// Every event that the daemon itself publishes, in its own domains.
///
/// Declarations are computed on demand and not kept in memory.
package enum EventCatalogue {
  /// All declarations, grouped by domain, in the order of the documentation.
  package static var all: [EventDeclaration] { EventPattern.builtInDomains.flatMap(declarations) }

  /// The declarations of a domain; empty for a domain that is not the daemon's.
  package static func declarations(of domain: String) -> [EventDeclaration] {
    switch domain {
    case "sensor": SensorEvents.all
    case "input": InputEvents.all
    case "gesture": GestureEvents.all
    case "camera": CameraEvents.all
    case "device": DeviceEvents.all
    case "approval": ApprovalEvents.all
    case "agent": AgentEvents.all
    case "budget": BudgetEvents.all
    case "model": ModelEvents.all
    case "rule": RuleEvents.all
    case "timer": TimerEvents.all
    case "system": SystemEvents.all
    default: []
    }
  }

  /// The declaration of the event called `type`; nil when there is none.
  package static func declaration(of type: String) -> EventDeclaration? {
    guard let domain = EventPattern.builtInDomain(of: type) else { return nil }
    return declarations(of: domain).first { $0.names(type) }
  }

  /// The names of a domain's events, without families such as `sensor:<id>`.
  package static func names(of domain: String) -> [String] {
    declarations(of: domain).filter { !$0.isFamily }.map(\.name)
  }
}

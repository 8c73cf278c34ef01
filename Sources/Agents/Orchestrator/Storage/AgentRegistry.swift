import Model
import Rules
import Store

/// Where registrations and agents' durable values are kept.
public protocol AgentRegistry: AnyObject {
  /// Takes changes to be kept, in order. They are written soon, together with others; a failed write is tried again.
  /// - Throws: when earlier changes could not be written and no more can be held.
  func keep(_ changes: [RegistryChange]) throws(RegistryFailure)
}

/// One change of what must survive a restart.
public enum RegistryChange: Sendable {
  /// An agent was registered, or its manifest replaced.
  case agent(Manifest)
  /// An agent was unregistered; its durable values go with it.
  case removal(AgentID)
  /// A durable value of an agent changed; nil removes it.
  case state(AgentID, key: String, Value?)
  /// Since when a rule's cooldown counts; nil when that means nothing any more.
  case cooldown(RuleID, RuleCooldown?)
  /// A line of the restart ledger; its boot is filled in.
  indirect case ledger(LedgerEntry)
}

/// Why a change cannot be kept.
public struct RegistryFailure: Error, Sendable {
  /// One sentence.
  public var message: String
  /// Puts a failure together.
  public init(_ message: String) { self.message = message }
}

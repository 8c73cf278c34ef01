import Model
import Rules
import Store

/// Stores registrations, durable values and the ledger.
package protocol AgentRegistry: AnyObject {
  /// Takes changes in order. They are written soon, together with others; a failed write is retried.
  /// - Throws: earlier changes could not be written, and no more fit.
  func keep(_ changes: [RegistryChange]) throws(RegistryFailure)

  /// Calls `done` once, now or later: when all changes so far are on the disk, or could not be written.
  func flush(_ done: @escaping (Result<Void, RegistryFailure>) -> Void)
}

/// A change that must survive a restart.
package enum RegistryChange: Sendable {
  /// An agent was registered, or its manifest replaced.
  case agent(Manifest)
  /// An agent was unregistered; its durable values are removed with it.
  case removal(AgentID)
  /// A durable value of an agent changed; nil removes it.
  case state(AgentID, key: String, Value?)
  /// An agent was enabled or disabled, whether it is registered here or comes from the configuration.
  case enabled(AgentID, Bool)
  /// When the cooldown of a rule began; nil when it has no effect any more.
  case cooldown(RuleID, RuleCooldown?)
  /// How many pulses an input has counted.
  case count(DeviceID, UInt64)
  /// What survives a restart about a rule; nil when there is nothing.
  case rule(RuleID, RuleMemory?)
  /// A variable of the rules.
  case variable(String, Value)
  /// What keeps the claims of rules off an output; nil when nothing does.
  case suspension(DeviceID, Value?)
  /// What a rule has told people; nil removes it.
  case message(ULID, Value?)
  /// A command that waits for a person; nil when it does no more.
  case approval(ULID, Value?)
  /// What an output is held at, with the boot; nil when it is in its safe state.
  case held(DeviceID, Value?)
  /// That an output was switched without its effect; nil when that has been acknowledged.
  case noEffect(DeviceID, Value?)
  /// A line of the restart ledger; the registry fills in its boot.
  indirect case ledger(LedgerEntry)
}

extension RegistryChange {
  /// Whether it says what a rule has done, so that a crash soon after it would let the rule do it again.
  var isOfRule: Bool {
    switch self {
    case .rule, .cooldown, .message: true
    default: false
    }
  }
}

/// Why a change was not taken.
package struct RegistryFailure: Error, Sendable {
  /// One sentence.
  package var message: String
  /// Whether the change itself is beyond a limit, so that it can never be taken.
  package var isOverLimit: Bool

  /// A failure with this message.
  package init(_ message: String, isOverLimit: Bool = false) {
    self.message = message
    self.isOverLimit = isOverLimit
  }
}

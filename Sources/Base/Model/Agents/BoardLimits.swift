/// The limits of all agents together and of the daemon; nil is no limit.
package struct BoardLimits: Sendable, Hashable {
  /// The budget of all agents together. An agent's own budget is capped at it.
  package var budget: Budget
  /// The limit on bytes that the daemon writes to the disk.
  package var disk: Rate?
  /// The activation time that is reported when exceeded, for agents whose manifest sets no limit.
  package var activationReport: Duration?

  /// Limits; those left out do not apply.
  package init(budget: Budget = Budget(), disk: Rate? = nil, activationReport: Duration? = nil) {
    self.budget = budget
    self.disk = disk
    self.activationReport = activationReport
  }

  /// Caps an agent's budget at the board's.
  /// - Returns: the capped budget with defaults for log and storage, and a sentence for each limit that was lowered.
  package func cap(_ own: Budget) -> (budget: Budget, lowered: [String]) {
    var budget = own
    var lowered: [String] = []
    func limit<Limit: Comparable>(_ key: String, _ value: inout Limit?, _ most: Limit?, _ text: (Limit) -> String) {
      guard let own = value, let most, own > most else { return }
      value = most
      lowered.append("budget.\(key) is \(text(own)), lowered to the board's limit of \(text(most))")
    }
    func limit(_ key: String, _ value: inout Rate?, _ most: Rate?) {
      guard let own = value, let most, own.perSecond > most.perSecond else { return }
      value = most
      lowered.append("budget.\(key) is \(own), lowered to the board's limit of \(most)")
    }
    limit("memory", &budget.memory, self.budget.memory) { "\($0) bytes" }
    limit("cpu", &budget.cpu, self.budget.cpu) { "\(($0 * 100).text)%" }
    limit("activation", &budget.activation, self.budget.activation, \.text)
    limit("storage", &budget.storage, self.budget.storage) { "\($0) bytes" }
    limit("events", &budget.events, self.budget.events)
    limit("hardware", &budget.hardware, self.budget.hardware)
    limit("log", &budget.log, self.budget.log)
    budget.activation = budget.activation ?? self.budget.activation
    budget.log = budget.log ?? Self.defaultLog
    budget.storage = budget.storage ?? Self.defaultStorage
    return (budget, lowered)
  }

  /// The default limit on log: 256 KiB a minute.
  package static let defaultLog = Rate(count: 256 << 10, per: .seconds(60))
  /// The default limit on durable state: 1 MiB.
  package static let defaultStorage = 1 << 20
}

extension Rate {
  /// The average count per second.
  package var perSecond: Double { Double(count) / max(per.seconds, 1e-9) }
}

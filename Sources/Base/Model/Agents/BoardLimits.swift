/// What all agents together may use, and what the daemon itself may; nil is no limit.
public struct BoardLimits: Sendable, Hashable {
  /// All agents together; an agent's own budget is at most this.
  public var budget: Budget
  /// Bytes that the daemon writes to the disk.
  public var disk: Rate?
  /// The longest an activation should take of an agent whose manifest does not say; longer is reported.
  public var activationReport: Duration?

  /// Puts limits together.
  public init(budget: Budget = Budget(), disk: Rate? = nil, activationReport: Duration? = nil) {
    self.budget = budget
    self.disk = disk
    self.activationReport = activationReport
  }

  /// What of its own budget counts for an agent.
  /// - Returns: the budget with defaults for log and storage, nothing above the board's, and a sentence for each limit
  ///   that was lowered.
  public func cap(_ own: Budget) -> (budget: Budget, lowered: [String]) {
    var budget = own
    var lowered: [String] = []
    func limit<Limit: Comparable>(_ key: String, _ value: inout Limit?, _ most: Limit?, _ text: (Limit) -> String) {
      guard let own = value, let most, own > most else { return }
      value = most
      lowered.append("budget.\(key) is \(text(own)), more than the board's \(text(most)), which counts")
    }
    func limit(_ key: String, _ value: inout Rate?, _ most: Rate?) {
      guard let own = value, let most, own.perSecond > most.perSecond else { return }
      value = most
      lowered.append("budget.\(key) is \(own), more than the board's \(most), which counts")
    }
    limit("memory", &budget.memory, self.budget.memory) { "\($0) bytes" }
    limit("cpu", &budget.cpu, self.budget.cpu) { "\(($0 * 100).text)%" }
    limit("activation", &budget.activation, self.budget.activation, \.text)
    limit("storage", &budget.storage, self.budget.storage) { "\($0) bytes" }
    limit("tokens", &budget.tokens, self.budget.tokens)
    limit("events", &budget.events, self.budget.events)
    limit("hardware", &budget.hardware, self.budget.hardware)
    limit("log", &budget.log, self.budget.log)
    budget.activation = budget.activation ?? self.budget.activation
    budget.log = budget.log ?? Self.usualLog
    budget.storage = budget.storage ?? Self.usualStorage
    return (budget, lowered)
  }

  /// How much log an agent may write whose manifest does not say.
  public static let usualLog = Rate(count: 256 << 10, per: .seconds(60))
  /// How much durable state an agent may keep whose manifest does not say.
  public static let usualStorage = 1 << 20
}

extension Rate {
  /// On average.
  public var perSecond: Double { Double(count) / max(per.seconds, 1e-9) }
}

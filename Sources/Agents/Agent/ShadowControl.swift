import Model

/// Compares what shadows would have done with what was done. The orchestrator implements it.
package protocol ShadowControl: AnyObject {
  /// What a shadow would have done, beside what was done.
  /// - Parameter last: how far back; nil for as far as it is known.
  /// - Returns: nil if there is no such shadow.
  func compare(_ subject: ShadowSubject, last: Duration?) -> ShadowComparison?
}

/// An agent or a rule that decides and is recorded, and moves nothing.
package enum ShadowSubject: Sendable, Hashable {
  case agent(AgentID)
  case rule(RuleID)

  /// As holder of outputs and source of events: `agent/climate-next`, `rule/hot-next`.
  package var source: String {
    switch self {
    case .agent(let id): "agent/\(id)"
    case .rule(let id): "rule/\(id)"
    }
  }
}

/// What a shadow would have done, beside what was done.
package struct ShadowComparison: Sendable {
  /// How an output was used.
  package struct Use: Sendable, Hashable {
    /// How long it was away from its safe state.
    package var onTime = Duration.zero
    /// How often its level changed.
    package var switchings: UInt64 = 0

    /// Not used, unless told otherwise.
    package init(onTime: Duration = .zero, switchings: UInt64 = 0) {
      self.onTime = onTime
      self.switchings = switchings
    }

    /// What is left of it without its beginning.
    package static func - (use: Use, beginning: Use) -> Use {
      Use(onTime: use.onTime - beginning.onTime, switchings: use.switchings - beginning.switchings)
    }
  }

  /// A time in which the levels differed.
  package struct Difference: Sendable, Hashable {
    /// When it began.
    package var from: Instant
    /// When it ended; nil while it lasts.
    package var to: Instant?
    /// The level that the shadow would have given it.
    package var would: Double
    /// The level that it had.
    package var did: Double
    /// Who held it, or had moved it last; nil if nobody had.
    package var holder: String?

    /// A difference.
    package init(from: Instant, to: Instant?, would: Double, did: Double, holder: String?) {
      self.from = from
      self.to = to
      self.would = would
      self.did = did
      self.holder = holder
    }
  }

  /// One output that the shadow may command.
  package struct Output: Sendable {
    /// The output.
    package var device: DeviceID
    /// From when on the figures count: it is later than was asked for if the record does not reach back as far.
    package var since: Instant
    /// How the shadow would have used it.
    package var would: Use
    /// How it was used.
    package var did: Use
    /// How long the two differed.
    package var differs: Duration
    /// The newest times in which they differed, newest first.
    package var differences: [Difference]
    /// How often the shadow was refused a command since it began, by reason.
    package var refused: [String: UInt64]
    /// How often it would have had to wait for another holder since it began, by holder.
    package var waited: [String: UInt64]
    /// How both used it since the record of it began, which no loss of details affects.
    package var total: (since: Instant, would: Use, did: Use)

    /// An output, compared.
    package init(
      device: DeviceID, since: Instant, would: Use, did: Use, differs: Duration, differences: [Difference],
      refused: [String: UInt64], waited: [String: UInt64], total: (since: Instant, would: Use, did: Use)
    ) {
      self.device = device
      self.since = since
      self.would = would
      self.did = did
      self.differs = differs
      self.differences = differences
      self.refused = refused
      self.waited = waited
      self.total = total
    }
  }

  /// What else it would have done, of one kind: `emit`, `wake`, …
  package struct Deeds: Sendable, Hashable {
    /// How often since it began.
    package var count: UInt64 = 0
    /// The newest ones with their times, newest first.
    package var newest: [Deed] = []

    /// None.
    package init() {}
  }

  /// Something that it would have done.
  package struct Deed: Sendable, Hashable {
    /// When.
    package var at: Instant
    /// As in a rule file: `emit(climate:hot, over: 2.5)`.
    package var text: String

    /// - Parameter text: as in a rule file.
    package init(at: Instant, text: String) {
      self.at = at
      self.text = text
    }
  }

  /// When the record of it began.
  package var since: Instant
  /// The outputs that it may command, in the order of the board file.
  package var outputs: [Output]
  /// What else it would have done, by kind.
  package var deeds: [String: Deeds]

  /// A comparison.
  package init(since: Instant, outputs: [Output], deeds: [String: Deeds]) {
    self.since = since
    self.outputs = outputs
    self.deeds = deeds
  }
}

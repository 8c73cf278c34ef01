import Model

/// The start of a rule's `cooldown`, stored so that it survives a restart of the daemon.
package struct RuleCooldown: Sendable, Hashable {
  /// When the rule last fired, in milliseconds since 1970.
  package var began: UInt64
  /// A hash of the rule's text. After a change of the rule the stored cooldown no longer applies.
  package var fingerprint: UInt64

  /// Shorter cooldowns are not stored: they end during the restart and are not worth a disk write.
  package static let shortest = Duration.seconds(60)

  /// - Parameters:
  ///   - began: in milliseconds since 1970.
  ///   - fingerprint: a hash of the rule's text.
  package init(began: UInt64, fingerprint: UInt64) {
    self.began = began
    self.fingerprint = fingerprint
  }

  /// Parses the format of `text`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, let began = UInt64(parts[0]), let fingerprint = UInt64(parts[1], radix: 16) else {
      return nil
    }
    self.init(began: began, fingerprint: fingerprint)
  }

  /// The stored form: `began` in decimal, a space, `fingerprint` in hexadecimal.
  package var text: String { "\(began) \(String(fingerprint, radix: 16))" }

  /// What a cooldown is stored under: the rule, and the subject where it counts for each by itself.
  static func key(_ rule: RuleID, _ subject: String) -> RuleID {
    subject.isEmpty ? rule : RuleID("\(rule)\u{1F}\(subject)")
  }

  static func parts(_ key: RuleID) -> (rule: RuleID, subject: String) {
    let parts = key.rawValue.split(separator: "\u{1F}", maxSplits: 1, omittingEmptySubsequences: false)
    return (RuleID(String(parts[0])), parts.count > 1 ? String(parts[1]) : "")
  }

  /// FNV-1a of a rule's signature.
  static func fingerprint(_ signature: String) -> UInt64 {
    signature.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

extension RuleEngine {
  /// Restores the cooldowns that an earlier daemon stored. They restart from now while the wall clock is not trusted,
  /// because the elapsed time is unknown.
  /// - Returns: the rules whose stored cooldown no longer applies, sorted: the caller deletes it.
  package func recall(_ kept: [RuleID: RuleCooldown]) -> [RuleID] {
    var unknown = Set(kept.keys)
    let rules = Dictionary(progress.map { ($0.rule.id, $0) }, uniquingKeysWith: { first, _ in first })
    for (key, last) in kept {
      let (rule, subject) = RuleCooldown.parts(key)
      guard let one = rules[rule], let cooldown = one.rule.declaration.cooldown,
        last.fingerprint == RuleCooldown.fingerprint(one.rule.signature)
      else { continue }
      unknown.remove(key)
      let lane = one.lane(of: subject, at: clock.now).0
      guard lane.lastAccepted == nil else { continue }
      let passed =
        environment.clockIsTrusted ? Int64(clamping: clock.wallMilliseconds) - Int64(clamping: last.began) : 0
      lane.restsUntil = clock.now + max(.zero, cooldown - .milliseconds(max(0, passed)))
    }
    return unknown.sorted()
  }

  /// Stores the start of a rule's cooldown, or deletes it when no cooldown is running.
  func keepCooldown(of one: RuleProgress, _ lane: RuleLane) {
    guard let cooldown = one.rule.declaration.cooldown, cooldown >= RuleCooldown.shortest else { return }
    let began = lane.lastAccepted.map { last in
      clock.wallMilliseconds &- UInt64(clamping: (clock.now - last).nanoseconds / 1_000_000)
    }
    environment.cooldownBegan(
      RuleCooldown.key(one.rule.id, lane.subject),
      began.map { RuleCooldown(began: $0, fingerprint: RuleCooldown.fingerprint(one.rule.signature)) })
  }
}

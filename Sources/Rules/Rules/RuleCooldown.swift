import Model

/// Since when a rule's `cooldown` counts, as it is kept over a restart of the daemon.
public struct RuleCooldown: Sendable, Hashable {
  /// Milliseconds since 1970, when the rule last fired.
  public var began: UInt64
  /// Stands for everything that the rule says: a rule that says something else has a cooldown of its own.
  public var fingerprint: UInt64

  /// Shorter ones are not kept: over before a restart is, and not worth a write to the disk.
  public static let shortest = Duration.seconds(60)

  /// Puts one together.
  public init(began: UInt64, fingerprint: UInt64) {
    self.began = began
    self.fingerprint = fingerprint
  }

  /// Reads what `text` gives; nil when it is not that.
  public init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, let began = UInt64(parts[0]), let fingerprint = UInt64(parts[1], radix: 16) else {
      return nil
    }
    self.init(began: began, fingerprint: fingerprint)
  }

  /// Both as text.
  public var text: String { "\(began) \(String(fingerprint, radix: 16))" }

  /// FNV-1a of the text of a rule.
  static func fingerprint(_ signature: String) -> UInt64 {
    signature.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

extension RuleEngine {
  /// Goes on with the cooldowns that an earlier daemon has kept. What a wall clock that is not trusted says of the time
  /// that has passed does not count: then they begin anew.
  /// - Returns: those that mean nothing any more.
  public func recall(_ kept: [RuleID: RuleCooldown]) -> [RuleID] {
    var unknown = Set(kept.keys)
    for one in progress {
      guard let cooldown = one.rule.declaration.cooldown, let last = kept[one.rule.id],
        last.fingerprint == RuleCooldown.fingerprint(one.rule.signature)
      else { continue }
      unknown.remove(one.rule.id)
      guard one.lastAccepted == nil else { continue }
      let passed =
        environment.clockIsTrusted ? Int64(clamping: clock.wallMilliseconds) - Int64(clamping: last.began) : 0
      one.restsUntil = clock.now + max(.zero, cooldown - .milliseconds(max(0, passed)))
    }
    return unknown.sorted()
  }

  /// Has it kept since when a rule's cooldown counts.
  func keepCooldown(of one: RuleProgress) {
    guard let cooldown = one.rule.declaration.cooldown, cooldown >= RuleCooldown.shortest else { return }
    let began = one.lastAccepted.map { last in
      clock.wallMilliseconds &- UInt64(clamping: (clock.now - last).nanoseconds / 1_000_000)
    }
    environment.cooldownBegan(
      one.rule.id,
      began.map { RuleCooldown(began: $0, fingerprint: RuleCooldown.fingerprint(one.rule.signature)) })
  }
}

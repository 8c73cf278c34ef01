import Model
import Rules
import Testing

/// Cooldowns across restarts of the daemon.
@Suite struct CooldownTests {
  private func bench(_ cooldown: Duration) throws -> RuleBench { try RuleBench(hot { $0.cooldown = cooldown }) }

  /// Five restarts within a day send one message.
  @Test func cooldownSurvivesARestart() throws {
    var kept: RuleCooldown?
    var fired = 0
    for restart in 0..<6 {
      let bench = try bench(.seconds(86_400))
      bench.clock.jumpWall(by: .seconds(3600 * Int64(restart)))
      if let kept { #expect(bench.rules.recall(["hot": kept]).isEmpty) }
      bench.measure(31)
      fired += bench.firings.count
      if restart > 0 { #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("cooldown: ")) }
      kept = bench.cooldowns["hot"] ?? kept
    }
    #expect(fired == 1)
    // The cooldown ends a day after the firing.
    let bench = try bench(.seconds(86_400))
    bench.clock.jumpWall(by: .seconds(86_400))
    _ = bench.rules.recall(["hot": try #require(kept)])
    bench.measure(31)
    #expect(bench.firings.count == 1)
  }

  @Test func cooldownRestartsWithoutATrustedClock() throws {
    let bench = try bench(.seconds(3600))
    bench.clockIsTrusted = false
    let kept = RuleCooldown(began: 0, fingerprint: try fingerprint(.seconds(3600)))
    _ = bench.rules.recall(["hot": kept])
    bench.clock.advance(by: .seconds(3599))
    bench.measure(31)
    #expect(bench.firings.isEmpty)
    bench.clock.advance(by: .seconds(1))
    bench.measure(31)
    #expect(bench.firings.count == 1)
  }

  @Test func changedRuleIgnoresTheStoredCooldown() throws {
    let kept = RuleCooldown(began: 0, fingerprint: try fingerprint(.seconds(3600)))
    let bench = try bench(.seconds(7200))
    #expect(bench.rules.recall(["hot": kept, "gone": kept]) == ["gone", "hot"])
    bench.measure(31)
    #expect(bench.firings.count == 1)
  }

  @Test func failedFiringStoresNoCooldown() throws {
    let bench = try bench(.seconds(3600))
    bench.failure = "held"
    bench.measure(31)
    #expect(bench.cooldowns == ["hot": nil])
    let short = try self.bench(.seconds(59))
    short.measure(31)
    #expect(short.firings.count == 1 && short.cooldowns.isEmpty)
  }

  @Test func storedTextRoundTrips() {
    let cooldown = RuleCooldown(began: 1_767_225_600_000, fingerprint: .max)
    #expect(RuleCooldown(cooldown.text) == cooldown)
    for wrong in ["", "1", "x 1", "1 x", "1 2 3", "-1 2"] { #expect(RuleCooldown(wrong) == nil) }
  }

  /// The fingerprint of `hot` with this cooldown.
  private func fingerprint(_ cooldown: Duration) throws -> UInt64 {
    let bench = try bench(cooldown)
    bench.measure(31)
    return try #require(bench.cooldowns["hot"] ?? nil).fingerprint
  }
}

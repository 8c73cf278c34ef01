import Model

@testable import Tokens

/// What the ledger must do, as simply as possible: lists of amounts, and no storage.
struct Reference {
  struct Account {
    var limits: [(limit: TokenLimit, meter: Meter)]
  }

  /// The use within one window.
  struct Meter {
    var key: Tokens.Meter.Key
    var period: UInt64 = 0
    var spent: Int64 = 0
    /// The part of `spent` above reservations that no commit has covered yet.
    var excess: Int64 = 0
  }

  struct Call {
    var id: TokenCallID
    var call: TokenCall
    var isSent = false
    /// The periods of its meters when it was sent.
    var periods: [Tokens.Meter.Key: UInt64] = [:]
  }

  let clock: ManualClock
  var anchor: (time: UInt64, at: Instant)
  var limits: [String: TokenLimits]
  var meters: [Tokens.Meter.Key: Meter] = [:]
  var calls: [Call] = []

  init(_ limits: [String: TokenLimits], clock: ManualClock) {
    self.clock = clock
    self.limits = limits
    anchor = (clock.wallMilliseconds, clock.now)
    for key in keys { meters[key] = Meter(key: key, period: key.period(at: anchor.time)) }
  }

  var keys: [Tokens.Meter.Key] { limits.flatMap { account, limits in limits.all.map { .init(account, $0) } } }

  func keys(of call: TokenCall) -> [Tokens.Meter.Key] {
    Set(call.accounts).flatMap { account in (limits[account]?.all ?? []).map { .init(account, $0) } }
  }

  func amount(_ call: TokenCall, _ key: Tokens.Meter.Key) -> Int64 { key.unit == .tokens ? call.tokens : call.money }

  func limit(_ key: Tokens.Meter.Key) -> Int64 {
    limits[key.account]?.all.first { Tokens.Meter.Key(key.account, $0) == key }?.amount ?? 0
  }

  /// The ledger's time: the wall clock, but it goes back only if it is synchronised, and then windows go along.
  mutating func advance() {
    let passed = UInt64((clock.now - anchor.at).nanoseconds / 1_000_000)
    let (wall, time) = (clock.wallMilliseconds, anchor.time + passed)
    if wall >= time {
      anchor = (wall, clock.now)
    } else if time - wall > 1000, clock.wallIsSynchronised {
      anchor = (wall, clock.now)
      for key in keys {
        let before = meters[key]?.period
        roll(key)
        for index in calls.indices where calls[index].isSent {
          let counts = calls[index].periods[key] == before && meters[key]?.period == before
          calls[index].periods[key] = counts ? key.period(at: wall) : nil
        }
        meters[key]?.period = key.period(at: wall)
      }
    }
    for key in keys { roll(key) }
  }

  var time: UInt64 { anchor.time + UInt64((clock.now - anchor.at).nanoseconds / 1_000_000) }

  mutating func roll(_ key: Tokens.Meter.Key) {
    let period = key.period(at: time)
    guard let meter = meters[key], period > meter.period else { return }
    meters[key] = Meter(key: key, period: period)
  }

  /// What calls that have not ended can still use in a window.
  func held(_ key: Tokens.Meter.Key, onlySent: Bool = false) -> Int64 {
    calls.reduce(0) { sum, call in
      guard keys(of: call.call).contains(key), call.isSent || !onlySent else { return sum }
      guard !call.isSent || call.periods[key] == meters[key]?.period else { return sum }
      return sum + amount(call.call, key)
    }
  }

  func fits(_ call: TokenCall) -> Bool {
    keys(of: call).allSatisfy { key in
      let amount = amount(call, key)
      return amount == 0 || (meters[key]?.spent ?? 0) + held(key) + amount <= limit(key)
    }
  }

  mutating func send(_ id: TokenCallID) {
    guard let index = calls.firstIndex(where: { $0.id == id }) else { return }
    calls[index].isSent = true
    for key in keys(of: calls[index].call) { calls[index].periods[key] = meters[key]?.period }
  }

  /// - Parameter usage: nil for as much as was reserved.
  mutating func end(_ id: TokenCallID, _ usage: TokenUsage?, isReleased: Bool = false) {
    guard let index = calls.firstIndex(where: { $0.id == id && $0.isSent }) else { return }
    let call = calls.remove(at: index)
    guard !isReleased else { return }
    for key in keys(of: call.call) where call.periods[key] == meters[key]?.period {
      let reserved = amount(call.call, key)
      let used = usage.map { key.unit == .tokens ? $0.tokens : $0.money } ?? reserved
      meters[key]?.spent += used
      meters[key]?.excess += max(0, used - reserved)
    }
  }

  /// The daemon was killed: what was sent counts.
  mutating func kill() {
    for call in calls where call.isSent { end(call.id, nil) }
    calls = []
  }
}

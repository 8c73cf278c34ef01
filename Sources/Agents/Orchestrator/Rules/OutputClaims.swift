import HAL
import Model
import Rules

/// The claims that state rules have on outputs, and who has an output instead.
///
/// An output obeys, in this order: an emergency stop; its limits; a person who has made it safe (a suspension); the lease
/// of a person or agent; the newest event rule's command for its lease; the claim that is latest in the files.
final class OutputClaims {
  private final class Entry {
    var claim: OutputClaim
    var state: OutputClaim.State?
    /// The outputs that it has taken, in order.
    var taken: [DeviceID] = []
    /// Not tried again before.
    var retryFrom: Instant?
    var triedAt = Instant(nanoseconds: 0)
    /// Whether it may have all its outputs, or they are at its levels for others.
    var isIn = false
    /// What its rule ended with, as the cause of what goes safe.
    var ended: Event?
    var timer: TimerID?

    init(_ claim: OutputClaim) { self.claim = claim }

    func level(of device: DeviceID) -> Double? { claim.outputs.first { $0.device == device }?.level }
  }

  /// What keeps the claims of that moment off an output.
  private struct Suspension {
    let by: String
    /// nil for as long as the claims last.
    let until: Instant?
    var rules: Set<RuleID>
  }

  /// Called with the stored form of a suspension that has changed; nil when there is none any more.
  var onSuspension: (DeviceID, Value?) -> Void = { _, _ in }

  private let clock: any Timekeeper
  private let hardware: any OutputGate
  private var entries: [RuleID: Entry] = [:]
  private var suspensions: [DeviceID: Suspension] = [:]
  /// Outputs whose suspended rules were removed in this turn.
  private var inherited: Set<DeviceID> = []
  private var isSettling = false
  private var timer: (id: TimerID, due: Instant)?
  /// Called when the outputs of a claim are all at its levels, or not any more.
  var onChange: (RuleID, _ isHeld: Bool) -> Void = { _, _ in }

  /// The longest suspension by a person who does not say how long.
  static let longestSuspension = Duration.seconds(3600)
  /// A claim is tried again no sooner than the first, and no later than the second, after a refusal.
  private static let (soonest, latest) = (Duration.seconds(1), Duration.seconds(30))

  init(clock: any Timekeeper, hardware: any OutputGate) {
    self.clock = clock
    self.hardware = hardware
  }

  deinit {
    for entry in entries.values { if let timer = entry.timer { clock.cancel(timer) } }
    if let timer { clock.cancel(timer.id) }
  }

  // MARK: Claims

  var isEmpty: Bool { entries.isEmpty }

  func claim(_ claim: OutputClaim) {
    guard let entry = entries[claim.rule] else {
      entries[claim.rule] = Entry(claim)
      return
    }
    entry.claim = claim
    entry.ended = nil
    entry.retryFrom = nil
  }

  /// - Parameters:
  ///   - ended: the event that the rule ended with.
  ///   - isRemoved: whether the rule is not in its file any more. Suspensions then go to the claims of the same turn, so that
  ///     a new name does not switch on what a person has switched off.
  func drop(_ rule: RuleID, _ ended: Event?, isRemoved: Bool) {
    for (device, var suspension) in suspensions where suspension.rules.remove(rule) != nil {
      if isRemoved { inherited.insert(device) }
      setSuspension(of: device, suspension.rules.isEmpty && !isRemoved ? nil : suspension)
    }
    guard let entry = entries[rule] else { return }
    entry.ended = ended
    // `settle` gives its outputs back, unless another claim takes them over.
    entry.claim.outputs = []
  }

  func state(of rule: RuleID) -> OutputClaim.State? { entries[rule]?.state }

  /// What rules keep an output, or wait to, latest in the files first.
  func claimants(of device: DeviceID) -> [RuleID] {
    entries.values.filter { $0.claim.outputs.contains { $0.device == device } }
      .sorted { $0.claim.rank > $1.claim.rank }.map(\.claim.rule)
  }

  // MARK: People, and rules for events

  /// Keeps the claims of this moment off an output until they end.
  /// - Parameters:
  ///   - holder: who does it: `client/ada`, or `rule/wet` whose `off` lasts until the claims have ended.
  ///   - time: at most; nil for as long as they last.
  func suspend(_ device: DeviceID, by holder: String, for time: Duration?) {
    let rules = claimants(of: device)
    guard !rules.isEmpty else { return }
    setSuspension(
      of: device, Suspension(by: holder, until: time.map { clock.now + $0 }, rules: Set(rules)))
    settle()
  }

  /// Whether something keeps claims off an output.
  func isSuspended(_ device: DeviceID) -> Bool { suspensions[device] != nil }

  /// Ends a suspension.
  /// - Returns: whether there was one.
  func endSuspension(of device: DeviceID) -> Bool {
    guard suspensions[device] != nil else { return false }
    setSuspension(of: device, nil)
    for entry in entries.values { entry.retryFrom = nil }
    settle()
    return true
  }

  private func setSuspension(of device: DeviceID, _ suspension: Suspension?) {
    suspensions[device] = suspension
    onSuspension(
      device,
      suspension.map { suspension in
        let until = suspension.until.map { end in
          clock.wallMilliseconds + UInt64(clamping: (end - clock.now).nanoseconds / 1_000_000)
        }
        return [
          "by": .string(suspension.by), "until": until.map { .int(Int64(clamping: $0)) } ?? .null,
          "rules": .list(suspension.rules.sorted().map { .string($0.rawValue) }),
        ]
      })
  }

  /// The rules of a stored suspension.
  private static func rules(of stored: Value) -> Set<RuleID> {
    Set((stored["rules"]?.list ?? []).compactMap(\.string).map { RuleID($0) })
  }

  /// Whether a stored suspension is one of some rule that is not among `ended`.
  static func isSuspension(_ stored: Value, ofSomeNotIn ended: Set<RuleID>) -> Bool {
    !rules(of: stored).isSubset(of: ended)
  }

  /// Restores suspensions of an earlier daemon. While the clock is not trusted, each has its longest time from now.
  /// - Parameters:
  ///   - rules: the rules in force.
  ///   - heirs: the rules that keep an output and are new since then: one may be another name of a rule that is gone.
  func recall(
    _ stored: [DeviceID: Value], of rules: Set<RuleID>, clockIsTrusted: Bool, heirs: (DeviceID) -> Set<RuleID>
  ) {
    for (device, fields) in stored {
      let named = Self.rules(of: fields)
      var kept = named.intersection(rules)
      let isRenamed = kept != named
      if isRenamed { kept.formUnion(heirs(device)) }
      let left = fields["until"]?.int.map { end in
        Duration.milliseconds(end - Int64(clamping: clock.wallMilliseconds))
      }
      guard let by = fields["by"]?.string, !kept.isEmpty, !clockIsTrusted || left.map({ $0 > .zero }) ?? true else {
        onSuspension(device, nil)
        continue
      }
      var time = left.map { clockIsTrusted ? min($0, Self.longestSuspension) : Self.longestSuspension }
      // Without an end it would bind one that may begin in a week.
      if isRenamed { time = time ?? Self.longestSuspension }
      setSuspension(of: device, Suspension(by: by, until: time.map { clock.now + $0 }, rules: kept))
    }
  }

  /// Who has an output next, when a person, an agent or an event rule lets it go: it must not pass through its safe
  /// state.
  /// - Returns: nil if no claim can have it at once.
  func heir(of device: DeviceID) -> (level: Double, holder: String, cause: Cause?)? {
    guard !isSettling, hardware.emergencyStop == nil else { return nil }
    let candidates = entries.values.filter { $0.level(of: device) != nil }.sorted { $0.claim.rank > $1.claim.rank }
    for entry in candidates {
      if let suspension = suspensions[device], suspension.rules.contains(entry.claim.rule) { continue }
      let isReady = entry.claim.outputs.allSatisfy { other, level in
        guard other != device, let output = hardware.output(other) else { return other == device }
        return output.commanded == hardware.target(other, .level(level)) ?? level && output.fault == nil
      }
      guard isReady, let level = entry.level(of: device) else { continue }
      return (level, Self.holder(entry.claim.rule), entry.claim.cause.map { Cause($0) })
    }
    return nil
  }

  // MARK: Settling

  /// An output has changed, or may be free: tries claims that wait.
  func outputsChanged() {
    guard !entries.isEmpty else { return }
    for entry in entries.values {
      entry.retryFrom = entry.retryFrom.map { min($0, max(clock.now, entry.triedAt + Self.soonest)) }
    }
    settle()
  }

  /// Moves outputs according to the claims: gives back, then takes, with one command for each output.
  func settle() {
    // The gate tells of changes while it carries out a command: one more round sees them.
    guard !isSettling else { return }
    isSettling = true
    for device in inherited {
      guard var suspension = suspensions[device] else { continue }
      suspension.rules.formUnion(
        entries.values.filter { $0.state == nil && $0.level(of: device) != nil }.map(\.claim.rule))
      setSuspension(of: device, suspension.rules.isEmpty ? nil : suspension)
    }
    inherited = []
    for (device, suspension) in suspensions where suspension.until.map({ $0 <= clock.now }) ?? false {
      setSuspension(of: device, nil)
    }
    let before = entries.mapValues { $0.state == .held }
    for entry in entries.values where !entry.taken.allSatisfy({ isIntact($0, entry) }) {
      // All or none, so that no pump runs against a shut valve; and a lost output must not come back on alone.
      for device in entry.taken.reversed() where isOurs(device, entry) { release(device, entry) }
      entry.taken = []
      entry.state = nil
    }
    // A claim that is refused leaves its outputs to others, so there are as many rounds as claims at most.
    for _ in 0...entries.count {
      let winners = winners()
      giveBack(except: winners)
      if take(winners) { break }
    }
    for (rule, entry) in entries where entry.claim.outputs.isEmpty {
      if let timer = entry.timer { clock.cancel(timer) }
      entries[rule] = nil
      if before[rule] ?? false { onChange(rule, false) }
    }
    isSettling = false
    for (rule, entry) in entries where (entry.state == .held) != before[rule] ?? false {
      onChange(rule, entry.state == .held)
    }
    tryLater()
  }

  /// Whether a claim still has an output that it has taken.
  private func isOurs(_ device: DeviceID, _ entry: Entry) -> Bool {
    hardware.output(device)?.holder == Self.holder(entry.claim.rule)
  }

  /// Whether it still has the output, and the output works.
  private func isIntact(_ device: DeviceID, _ entry: Entry) -> Bool {
    isOurs(device, entry) && hardware.output(device)?.fault == nil
  }

  private static func holder(_ rule: RuleID) -> String { "rule/\(rule)" }

  private static func principal(_ rule: RuleID) -> Principal {
    Principal(name: holder(rule), permissions: .all, mayMakeSafe: true, needsNoApproval: true)
  }

  /// The claims that may have all their outputs now, with those outputs. The state of the others says why not.
  private func winners() -> [DeviceID: Entry] {
    var winners: [DeviceID: Entry] = [:]
    for entry in entries.values { entry.isIn = false }
    for entry in entries.values.sorted(by: { $0.claim.rank > $1.claim.rank }) {
      let claim = entry.claim
      guard !claim.outputs.isEmpty else { continue }
      if let reason = obstacle(to: entry, winners) {
        entry.state = reason
        continue
      }
      // An output that is at this level for another already needs nothing from this claim.
      for output in claim.outputs where winners[output.device] == nil { winners[output.device] = entry }
      entry.isIn = true
    }
    return winners
  }

  private func obstacle(to entry: Entry, _ winners: [DeviceID: Entry]) -> OutputClaim.State? {
    if let stop = hardware.emergencyStop {
      return .waiting("an emergency stop is in force\(stop.reason.map { ": \($0)" } ?? "")")
    }
    for (device, level) in entry.claim.outputs {
      if let suspension = suspensions[device], suspension.rules.contains(entry.claim.rule) {
        return .suspended(by: suspension.by, until: suspension.until)
      }
      // Otherwise it would be switched in vain again and again.
      if hardware.output(device)?.awaitsAcknowledgement ?? false {
        return .waiting("'\(device)' was without effect: 'openstarry acknowledge \(device)' when that is mended")
      }
      if let other = winners[device], other.level(of: device) != level {
        return .overruled(by: Self.holder(other.claim.rule))
      }
      if let output = hardware.output(device), let holder = output.holder, !isClaimant(holder),
        output.commanded != hardware.target(device, .level(level)) ?? level
      {
        return .overruled(by: holder)
      }
    }
    if let from = entry.retryFrom, from > clock.now { return entry.state ?? .waiting("it is tried again soon") }
    return nil
  }

  /// Whether a holder is one of the claims, and not a person, an agent or a rule for events.
  private func isClaimant(_ holder: String) -> Bool {
    Party(of: holder) == .rules && entries[RuleID(String(holder.dropFirst("rule/".utf8.count)))] != nil
  }

  private func giveBack(except winners: [DeviceID: Entry]) {
    for entry in entries.values {
      let lost = entry.taken.filter { winners[$0] !== entry }
      guard !lost.isEmpty else { continue }
      entry.taken.removeAll(where: lost.contains)
      if entry.state == .held { entry.state = nil }
      // Another claim takes it over without a step through the safe state.
      for device in lost.reversed() where winners[device] == nil { release(device, entry) }
    }
  }

  private func release(_ device: DeviceID, _ entry: Entry) {
    _ = try? hardware.release(
      device, holder: Self.holder(entry.claim.rule), reason: "rule-ended",
      cause: (entry.ended ?? entry.claim.cause).map { Cause($0) })
  }

  /// Takes what the winners do not have yet. The latest in the files comes first: it has what the limits allow only once.
  /// - Returns: false if one was refused: then others may have its outputs.
  private func take(_ winners: [DeviceID: Entry]) -> Bool {
    for entry in entries.values.filter(\.isIn).sorted(by: { $0.claim.rank > $1.claim.rank }) {
      do throws(HALError) {
        try take(entry, winners)
      } catch {
        for device in entry.taken.reversed() { release(device, entry) }
        entry.taken = []
        entry.state = state(of: error)
        entry.triedAt = clock.now
        entry.retryFrom = clock.now + max(Self.soonest, min(Self.latest, retryAfter(error) ?? Self.latest))
        return false
      }
    }
    return true
  }

  private func take(_ entry: Entry, _ winners: [DeviceID: Entry]) throws(HALError) {
    let claim = entry.claim
    let principal = Self.principal(claim.rule)
    let wanted = claim.outputs.filter { device, level in
      // Others see to an output at the same level.
      guard winners[device] === entry else { return false }
      guard let output = hardware.output(device) else { return true }
      let target = hardware.target(device, .level(level)) ?? level
      if output.commanded == target, let holder = output.holder, !isClaimant(holder) { return false }
      return output.commanded != target || output.holder != (target == output.safe ? nil : principal.name)
    }
    // All or none: look first, so that nothing is switched on and off again.
    for (device, level) in wanted where claim.outputs.count > 1 {
      if let obstacle = hardware.obstacle(device, .level(level), as: principal) { throw obstacle }
    }
    for (device, level) in wanted {
      _ = try hardware.carryOut(
        device, .level(level), lease: nil, as: principal, cause: claim.cause.map { Cause($0) })
      // A level that is the safe one needs no lease, and is kept by nobody taking the output.
      if hardware.output(device)?.holder == principal.name, !entry.taken.contains(device) { entry.taken.append(device) }
    }
    // One that a person or an agent has handed over.
    for (device, _) in claim.outputs where isOurs(device, entry) && !entry.taken.contains(device) {
      entry.taken.append(device)
    }
    entry.retryFrom = nil
    entry.state = .held
    renewLater(entry)
  }

  private func retryAfter(_ error: HALError) -> Duration? {
    switch error {
    case .busy(_, _, let until): until.map { $0 - clock.now }
    case .limited(_, _, _, let time): time
    default: nil
    }
  }

  private func state(of error: HALError) -> OutputClaim.State {
    if case .limited(_, let rule, _, let time) = error, rule == "min_off" || rule == "max_on" {
      return .resting(error.sentence, until: time.map { clock.now + $0 })
    }
    if case .busy(_, let holder, _) = error { return .overruled(by: holder) }
    return .waiting(error.sentence)
  }

  // MARK: Time

  /// Renews the leases of a claim at half their time.
  private func renewLater(_ entry: Entry) {
    if let timer = entry.timer { clock.cancel(timer) }
    entry.timer = nil
    guard let shortest = entry.taken.compactMap({ hardware.output($0)?.lease }).min() else { return }
    entry.timer = clock.schedule(after: shortest / 2) { [weak self, weak entry] in
      guard let self, let entry else { return }
      entry.timer = nil
      renew(entry)
    }
  }

  private func renew(_ entry: Entry) {
    let claim = entry.claim
    for (device, level) in claim.outputs where entry.taken.contains(device) && isOurs(device, entry) {
      do throws(HALError) {
        _ = try hardware.carryOut(
          device, .level(level), lease: nil, as: Self.principal(claim.rule), cause: claim.cause.map { Cause($0) })
      } catch { return settle() }
    }
    renewLater(entry)
  }

  /// Tries what waits again when its time has come. The end of a lease, a return and the end of a fault come as events.
  private func tryLater() {
    let due = (entries.values.compactMap(\.retryFrom) + suspensions.values.compactMap(\.until)).filter {
      $0 > clock.now
    }.min()
    if let timer {
      if timer.due == due { return }
      clock.cancel(timer.id)
    }
    timer = nil
    guard let due else { return }
    let id = clock.schedule(at: due) { [weak self] in
      guard let self else { return }
      timer = nil
      settle()
    }
    timer = (id, due)
  }
}

import Agent
import Model

/// The use of one resource by one account, with its limit and its ladder.
final class BudgetMeter {
  let resource: Resource
  private(set) var limit: Int64?
  private(set) var ladder = Ladder()
  /// The use within a window; nil for resources that are held, such as memory.
  private var window: SlidingWindow?
  /// The present use of a resource that is held.
  private var gauge: Int64 = 0
  /// nil before the first refusal.
  private var refused: RefusedAmounts?
  /// Whether the present instance is already being stopped for this budget, so that it is reported only once.
  private var isStopping = false
  private var terms: Ladder.Terms
  /// Whether it receives totals (`tell`) instead of adding up amounts.
  private let receivesTotals: Bool

  init(_ resource: Resource, receivesTotals: Bool = false) {
    self.resource = resource
    self.receivesTotals = receivesTotals
    terms = .of(resource)
    if receivesTotals {
      // The daemon itself may have used the CPU time, so no agent is stopped for it.
      if resource == .cpu { terms.stop = nil }
      terms.hold = .seconds(10)
    } else {
      window = Self.defaultWindow(of: resource).map { SlidingWindow($0) }
    }
  }

  /// Makes the limit one that is only reported.
  func onlyReport() {
    terms.warning = 1
    terms.stop = nil
  }

  /// Restores the resource's usual terms.
  func actUpon() { terms = .of(resource) }

  /// The default window of a resource; nil for resources that are held.
  static func defaultWindow(of resource: Resource) -> Duration? {
    switch resource {
    case .cpu: .seconds(10)
    case .events, .hardware, .log: .seconds(60)
    case .tokens, .money, .disk: .seconds(86_400)
    case .memory, .activation, .storage: nil
    }
  }

  /// Sets the limit. Past use still counts unless the window's length changes.
  /// - Parameters:
  ///   - limit: the limit in the resource's unit; nil for none.
  ///   - length: the window's length; nil for the default.
  func set(limit: Int64?, per length: Duration?) {
    if limit != self.limit {
      ladder.reset()
      isStopping = false
    }
    self.limit = limit
    guard window != nil, let length = length ?? Self.defaultWindow(of: resource), window?.length != length else {
      return
    }
    window = SlidingWindow(length)
    refused = nil
  }

  var windowLength: Duration? { receivesTotals ? Self.defaultWindow(of: resource) : window?.length }

  func used(at now: Instant) -> Int64 { window?.used(at: now) ?? gauge }

  /// The time until `amount` more fits, zero if waiting does not help; nil when it fits now or there is no limit.
  func wait(for amount: Int64, at now: Instant) -> Duration? {
    guard let limit, amount > 0 else { return nil }
    let (total, overflow) = used(at: now).addingReportingOverflow(amount)
    if !overflow, total <= limit { return nil }
    return window.map { $0.wait(untilAtMost: max(0, limit - amount), at: now) } ?? .zero
  }

  /// Adds `amount`; a negative amount gives back a held resource.
  func add(_ amount: Int64, at now: Instant) {
    if window != nil {
      window?.add(amount, at: now)
    } else {
      gauge = max(0, gauge.addingReportingOverflow(amount).partialValue)
    }
  }

  /// Sets the present use.
  func tell(_ amount: Int64) { gauge = max(0, amount) }

  /// Notes that `amount` was refused.
  func refuse(_ amount: Int64, at now: Instant) {
    let refused = refused ?? RefusedAmounts(window?.length ?? .seconds(60))
    self.refused = refused
    refused.add(amount, at: now)
  }

  /// Resets the ladder's view of refusals at the end of an instance; the status still shows them.
  func endInstance() {
    refused?.endInstance()
    isStopping = false
  }

  /// Updates the ladder after an amount was added or refused.
  /// - Parameter isOwn: whether the agent itself caused it; it is not stopped for the use of others.
  func climb(isOwn: Bool, at now: Instant) -> Ladder.Effect? {
    guard let measurement = measurement(at: now) else { return nil }
    var terms = terms
    if !isOwn { terms.stop = nil }
    return once(ladder.use(measurement, terms, at: now))
  }

  private func once(_ effect: Ladder.Effect?) -> Ladder.Effect? {
    guard effect == .stop, !receivesTotals else { return effect }
    defer { isStopping = true }
    return isStopping ? nil : effect
  }

  /// Updates the ladder after the isolation has stopped the agent; nil if the limit is only reported.
  func exceed(at now: Instant) -> Ladder.Effect? {
    limit == nil || terms.stop == nil ? nil : once(ladder.exceed(at: now))
  }

  /// Updates the ladder after time has passed.
  func look(at now: Instant) -> Ladder.Effect? {
    guard ladder.step > .normal, let measurement = measurement(at: now) else { return nil }
    return ladder.look(measurement, terms, at: now)
  }

  /// The time until `look` may lead a step down; nil when time alone cannot.
  func nextLook(at now: Instant) -> Duration? {
    guard let measurement = measurement(at: now), let threshold = ladder.threshold(terms, limit: measurement.limit)
    else { return nil }
    if let due = ladder.due(measurement, terms) { return max(.zero, due - now) }
    let passed = window.map { $0.wait(untilAtMost: threshold, at: now) } ?? .zero
    let forgotten = refused?.wait(at: now) ?? .zero
    let wait = max(passed, forgotten)
    return wait > .zero ? wait : nil
  }

  func status(_ enforcement: Enforcement, at now: Instant) -> BudgetStatus {
    BudgetStatus(
      resource, used: used(at: now), limit: limit, window: windowLength, step: ladder.step,
      refused: refused?.all(at: now) ?? 0, enforcement: enforcement)
  }

  private func measurement(at now: Instant) -> Ladder.Measurement? {
    guard let limit else { return nil }
    return Ladder.Measurement(used: used(at: now), refused: refused?.ofInstance(at: now) ?? 0, limit: limit)
  }
}

/// The amounts of one resource that were refused to one account.
private final class RefusedAmounts {
  /// For the status.
  private var all: SlidingWindow
  /// Those of the present instance, for the ladder: the next instance must not be stopped for them.
  private var ofInstance: SlidingWindow

  init(_ length: Duration) {
    all = SlidingWindow(length)
    ofInstance = SlidingWindow(length)
  }

  func add(_ amount: Int64, at now: Instant) {
    all.add(amount, at: now)
    ofInstance.add(amount, at: now)
  }

  func all(at now: Instant) -> Int64 { all.used(at: now) }

  func ofInstance(at now: Instant) -> Int64 { ofInstance.used(at: now) }

  /// The time until none of the present instance's counts any more.
  func wait(at now: Instant) -> Duration { ofInstance.wait(untilAtMost: 0, at: now) }

  func endInstance() { ofInstance = SlidingWindow(ofInstance.length) }
}

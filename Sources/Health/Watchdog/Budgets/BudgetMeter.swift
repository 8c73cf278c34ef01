import Agent
import Model

/// What is used of one thing by one account, its limit, and how far up the ladder that is.
final class BudgetMeter {
  let resource: Resource
  private(set) var limit: Int64?
  private(set) var ladder = Ladder()
  /// Over time, for what comes and is gone.
  private var window: SlidingWindow?
  /// At present, for what is held.
  private var gauge: Int64 = 0
  /// What was asked for and not given; nil until there is some.
  private var refusals: SlidingWindow?
  /// What of it the instance that runs now was refused: the next one is not stopped for it.
  private var counted: SlidingWindow?
  /// Whether the instance that runs now is being stopped for this: told once, however often it goes on asking.
  private var isStopping = false
  private var terms: Ladder.Terms
  /// Whether it is told how much is used, rather than adding it up.
  private let isTold: Bool

  init(_ resource: Resource, isTold: Bool = false) {
    self.resource = resource
    self.isTold = isTold
    terms = .of(resource)
    if isTold {
      // Nobody is stopped for processor time that the daemon itself may have used.
      if resource == .cpu { terms.stop = nil }
      terms.hold = .seconds(10)
    } else {
      window = Self.usualWindow(of: resource).map { SlidingWindow($0) }
    }
  }

  /// Going beyond the limit is told, and nothing else follows.
  func onlyReport() {
    terms.warning = 1
    terms.stop = nil
  }

  /// Going beyond the limit is acted upon, as is usual.
  func actUpon() { terms = .of(resource) }

  /// The stretch of time that things count in where no limit names one; nil for what does not pass with time.
  static func usualWindow(of resource: Resource) -> Duration? {
    switch resource {
    case .cpu: .seconds(10)
    case .events, .hardware, .log: .seconds(60)
    case .tokens, .disk: .seconds(86_400)
    case .memory, .activation, .storage: nil
    }
  }

  /// Sets the limit. What was used stays used, unless it counts over another stretch of time from now on.
  /// - Parameters:
  ///   - limit: nil is none.
  ///   - length: of the window; nil is the usual one.
  func set(limit: Int64?, per length: Duration?) {
    if limit != self.limit {
      ladder.reset()
      isStopping = false
    }
    self.limit = limit
    guard window != nil, let length = length ?? Self.usualWindow(of: resource), window?.length != length else { return }
    window = SlidingWindow(length)
    (refusals, counted) = (nil, nil)
  }

  var windowLength: Duration? { isTold ? Self.usualWindow(of: resource) : window?.length }

  func used(at now: Instant) -> Int64 { window?.used(at: now) ?? gauge }

  /// How long until `amount` more fits; nil when it does now, or there is no limit.
  func wait(for amount: Int64, at now: Instant) -> Duration? {
    guard let limit, amount > 0 else { return nil }
    let (total, overflow) = used(at: now).addingReportingOverflow(amount)
    if !overflow, total <= limit { return nil }
    return window.map { $0.wait(untilAtMost: max(0, limit - amount), at: now) } ?? .zero
  }

  /// Counts `amount`; negative gives back what was held.
  func add(_ amount: Int64, at now: Instant) {
    if window != nil {
      window?.add(amount, at: now)
    } else {
      gauge = max(0, gauge.addingReportingOverflow(amount).partialValue)
    }
  }

  /// So much is used now.
  func tell(_ amount: Int64) { gauge = max(0, amount) }

  /// Notes that `amount` was asked for and not given.
  func refuse(_ amount: Int64, at now: Instant) {
    let length = window?.length ?? .seconds(60)
    if refusals == nil { refusals = SlidingWindow(length) }
    if counted == nil { counted = SlidingWindow(length) }
    refusals?.add(amount, at: now)
    counted?.add(amount, at: now)
  }

  /// The instance is gone: what it was refused still shows, and does not count against the next one.
  func endInstance() {
    counted = nil
    isStopping = false
  }

  /// What follows from something having been added or refused.
  /// - Parameter isOwn: whether the agent itself used it; nobody is stopped for what others use.
  func climb(isOwn: Bool, at now: Instant) -> Ladder.Effect? {
    guard let measurement = measurement(at: now) else { return nil }
    var terms = terms
    if !isOwn { terms.stop = nil }
    return once(ladder.use(measurement, terms, at: now))
  }

  private func once(_ effect: Ladder.Effect?) -> Ladder.Effect? {
    guard effect == .stop, !isTold else { return effect }
    defer { isStopping = true }
    return isStopping ? nil : effect
  }

  /// What follows from somebody else having stopped the agent for it; nothing where the limit is only told of.
  func exceed(at now: Instant) -> Ladder.Effect? {
    limit == nil || terms.stop == nil ? nil : once(ladder.exceed(at: now))
  }

  /// What follows from time having passed.
  func look(at now: Instant) -> Ladder.Effect? {
    guard ladder.step > .normal, let measurement = measurement(at: now) else { return nil }
    return ladder.look(measurement, terms, at: now)
  }

  /// How long until a look may lead down; nil when time alone does not.
  func nextLook(at now: Instant) -> Duration? {
    guard let measurement = measurement(at: now), let threshold = ladder.threshold(terms, limit: measurement.limit)
    else { return nil }
    if let due = ladder.due(measurement, terms) { return max(.zero, due - now) }
    let passed = window.map { $0.wait(untilAtMost: threshold, at: now) } ?? .zero
    let forgotten = counted.map { $0.wait(untilAtMost: 0, at: now) } ?? .zero
    let wait = max(passed, forgotten)
    return wait > .zero ? wait : nil
  }

  func status(_ enforcement: Enforcement, at now: Instant) -> BudgetStatus {
    BudgetStatus(
      resource, used: used(at: now), limit: limit, window: windowLength, step: ladder.step,
      refused: refusals?.used(at: now) ?? 0, enforcement: enforcement)
  }

  private func measurement(at now: Instant) -> Ladder.Measurement? {
    guard let limit else { return nil }
    return Ladder.Measurement(used: used(at: now), refused: counted?.used(at: now) ?? 0, limit: limit)
  }
}

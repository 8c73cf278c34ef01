import Model

/// Commands that wait for a person, and what became of the latest.
///
/// It only says whether a command may pass the gate; the gate carries it out.
package final class ApprovalDesk {
  /// The most commands that wait at a time: of one asker or user, and of all.
  static let mostOfOne = 4
  static let most = 32
  /// How many decided ones are remembered.
  static let mostDecided = 50
  /// How long a command waits at least before its asker may put another one for the same output in its place. A person
  /// has to be able to read what waits.
  static let shortestWait = Duration.seconds(10)

  private(set) var waiting: [Approval] = []
  private(set) var decided: [Approval] = []
  private var permits: [Permit] = []
  /// Until when an asker may not ask again for a device, because it was denied.
  private var denials: [(asker: String, device: DeviceID, by: String, end: Instant)] = []
  private var timer: TimerID?
  private let clock: any Timekeeper
  private let events: any EventSink

  /// Whether the condition of an output's `approval` is not known to be false for a level.
  package var isConcerned: (DeviceID, _ level: Double) -> Bool = { _, _ in true }
  /// Called when a command begins to wait, and when it waits no more.
  package var onChange: (Approval) -> Void = { _ in }
  /// Called with a command that was approved and carried out.
  package var onGranted: (Approval) -> Void = { _ in }
  /// Those who wait for a decision, in order.
  private var listeners: [(number: UInt64, id: ULID, done: (Approval) -> Void)] = []
  private var lastListener: UInt64 = 0
  /// Whether the daemon is ending: what waits stays as it is stored, and has expired at the next start.
  package var isClosed = false

  init(_ clock: any Timekeeper, _ events: any EventSink) {
    self.clock = clock
    self.events = events
  }

  /// All, the newest last: those that were decided, then those that wait.
  package var all: [Approval] { decided + waiting }

  // MARK: Asking

  /// Lets a command pass, or has it wait for a person.
  /// - Parameter level: what the command leads to.
  /// - Returns: the event of a repetition that somebody has allowed, as the command's cause; nil for the command's own.
  /// - Throws: `waits`; `limited` when too many wait, it was denied a short time ago, or nobody may be asked.
  func require(
    _ settings: ActuatorSettings, _ device: DeviceID, _ command: ActuatorCommand, level: Double, lease: Duration?,
    override: Bool, _ principal: Principal, _ cause: Cause?, _ request: ApprovalRequest
  ) throws(HALError) -> Cause? {
    guard let approval = settings.approval, !principal.needsNoApproval else { return nil }
    switch approval.scope {
    case .required: break
    case .above(let most): if level <= most { return nil }
    case .condition: if !isConcerned(device, level) { return nil }
    }
    let now = clock.now
    permits.removeAll { $0.end <= now }
    var pulse: Duration?
    if case .pulse(let length) = command { pulse = length }
    let asked = ApprovalEvents.Command(
      device, level: level, pulse: pulse, lease: lease, override: override, asker: principal.name,
      reason: request.reason)
    if let permit = permits.first(where: { $0.covers(asked, settings) }) {
      return Cause(
        events.publish(
          ApprovalEvents.repeated(permit.id, asked, by: permit.by), from: principal.name, cause: cause))
    }
    guard request.mayWait else {
      throw .limited(device, rule: "approval", detail: "a person has to approve it", retryAfter: nil)
    }
    let mine = waiting.filter { $0.asked.asker == principal.name && $0.request.session == request.session }
    if let same = mine.first(where: { $0.asked.isSameCommand(as: asked) }) {
      throw .waits(device, approval: same.id, until: same.expires)
    }
    try refuse(principal, device, now)
    if let former = mine.first(where: { $0.asked.device == device }) {
      let left = former.begun + Self.shortestWait - now
      guard left <= .zero else {
        throw .limited(
          device, rule: "approval", detail: "another command of \(principal.name) waits for approval", retryAfter: left)
      }
      // What waited is not wanted any more.
      end(former.id, .void("\(principal.name) asks for something else"))
    }
    try checkRoom(principal, device, now)
    let event = events.publish(
      ApprovalEvents.waiting(asked, for: approval.time), from: principal.name, cause: cause)
    let entry = Approval(
      id: event.id, asked: asked, command: command, principal: principal, request: request, cause: Cause(event),
      time: event.time, begun: now, expires: now + approval.time)
    waiting.append(entry)
    arm()
    onChange(entry)
    throw .waits(device, approval: entry.id, until: entry.expires)
  }

  /// Who is counted: a user's programs together, an agent by itself.
  private static func account(_ principal: Principal) -> String {
    principal.user.map { "user \($0)" } ?? principal.name
  }

  private func refuse(_ principal: Principal, _ device: DeviceID, _ now: Instant) throws(HALError) {
    denials.removeAll { $0.end <= now }
    let asker = Self.account(principal)
    if let denial = denials.first(where: { $0.asker == asker && $0.device == device }) {
      throw .limited(
        device, rule: "approval", detail: "\(denial.by) has denied it", retryAfter: denial.end - now)
    }
  }

  private func checkRoom(_ principal: Principal, _ device: DeviceID, _ now: Instant) throws(HALError) {
    let asker = Self.account(principal)
    let ofOne = waiting.filter { Self.account($0.principal) == asker }
    let obstacle: String? =
      ofOne.count >= Self.mostOfOne
      ? "\(ofOne.count) commands of \(principal.name) wait for approval already"
      : waiting.count >= Self.most ? "\(waiting.count) commands wait for approval already" : nil
    guard let obstacle else { return }
    let first = (ofOne.count >= Self.mostOfOne ? ofOne : waiting).map(\.expires).min()
    throw .limited(device, rule: "approval", detail: obstacle, retryAfter: first.map { $0 - now })
  }

  // MARK: Waiting

  /// Says that what waited when a previous daemon ended has expired.
  /// - Parameter stored: `Approval.stored` of each, by id.
  package func recall(_ stored: [ULID: Value]) {
    for (id, value) in stored.sorted(by: { $0.key < $1.key }) {
      guard let asked = ApprovalEvents.Command(value) else { continue }
      let event = events.publish(
        ApprovalEvents.expired(id, asked, why: "restart"), from: "system", cause: Cause(id: id, trace: id, depth: 0))
      decided.append(
        Approval(
          id: id, asked: asked, command: .off, principal: Principal(name: asked.asker, permissions: Permissions()),
          request: ApprovalRequest(), cause: Cause(event), time: id.milliseconds, begun: clock.now, expires: clock.now,
          state: .expired))
    }
  }

  /// Calls `done` once, when a command waits no more; at once if it does not, and never for an unknown id.
  /// - Returns: for `endListen`.
  @discardableResult
  package func whenDecided(_ id: ULID, _ done: @escaping (Approval) -> Void) -> UInt64 {
    lastListener += 1
    if waiting.contains(where: { $0.id == id }) {
      listeners.append((lastListener, id, done))
    } else if let approval = decided.last(where: { $0.id == id }) {
      done(approval)
    }
    return lastListener
  }

  /// Forgets a `whenDecided`.
  package func endListen(_ number: UInt64) { listeners.removeAll { $0.number == number } }

  /// A session has ended: what it asked for waits no more, and what it may repeat is over.
  package func end(session: UInt64) {
    for approval in waiting where approval.request.session == session {
      end(approval.id, .void("\(approval.asked.asker) has closed its connection"))
    }
    permits.removeAll { $0.session == session }
  }

  /// Whether a command of a session waits.
  package func isWaiting(session: UInt64) -> Bool { waiting.contains { $0.request.session == session } }

  /// The asker has ended: what it asked for waits no more, and what it may repeat is over.
  package func forget(_ asker: String) {
    for approval in waiting where approval.asked.asker == asker { end(approval.id, .void("\(asker) has ended")) }
    permits.removeAll { $0.asker == asker }
  }

  /// Everything is over: an emergency stop, other rules.
  package func voidAll(_ why: String) {
    for approval in waiting { end(approval.id, .void(why)) }
    permits = []
  }

  /// Lets the asker repeat a command that was approved.
  func permit(_ approval: Approval, by: String, for time: Duration) {
    permits.append(Permit(of: approval, by: by, until: clock.now + time))
  }

  /// For how much longer an asker may repeat a command; nil if it may not.
  package func permitted(_ id: ULID) -> Duration? {
    permits.last { $0.id == id }.map { $0.end - clock.now }.flatMap { $0 > .zero ? $0 : nil }
  }

  /// An asker may not repeat a command any more.
  /// - Returns: false if it might not anyway.
  func withdraw(_ id: ULID, by: String) -> Bool {
    guard permitted(id) != nil, let approval = decided.last(where: { $0.id == id }) else { return false }
    permits.removeAll { $0.id == id }
    events.publish(
      ApprovalEvents.void(id, approval.asked, why: "\(by) has withdrawn it"), from: by, cause: approval.cause)
    return true
  }

  /// Ends the wait of one.
  /// - Returns: it; nil if it does not wait.
  @discardableResult
  func end(_ id: ULID, _ state: Approval.State) -> Approval? {
    guard !isClosed, let place = waiting.firstIndex(where: { $0.id == id }) else { return nil }
    var approval = waiting.remove(at: place)
    approval.state = state
    let news: DaemonEvent? =
      switch state {
      case .waiting, .approved: nil
      case .denied(let by, let why): ApprovalEvents.denied(id, approval.asked, by: by, why: why)
      case .expired: ApprovalEvents.expired(id, approval.asked, why: "time")
      case .void(let why): ApprovalEvents.void(id, approval.asked, why: why)
      }
    if let news { events.publish(news, from: "system", cause: approval.cause) }
    if case .denied(let by, _) = state {
      let end = clock.now + ApprovalSettings.defaultTime
      denials.append((Self.account(approval.principal), approval.asked.device, by, end))
      permits.removeAll { $0.asker == approval.asked.asker && $0.device == approval.asked.device }
    }
    decided.append(approval)
    if decided.count > Self.mostDecided { decided.removeFirst() }
    arm()
    onChange(approval)
    let told = listeners.filter { $0.id == id }
    listeners.removeAll { $0.id == id }
    for listener in told { listener.done(approval) }
    return approval
  }

  // MARK: Time

  private func arm() {
    if let timer { clock.cancel(timer) }
    timer = waiting.map(\.expires).min().map { due in clock.schedule(at: due) { [weak self] in self?.expire() } }
  }

  private func expire() {
    timer = nil
    let now = clock.now
    for approval in waiting where approval.expires <= now { end(approval.id, .expired) }
    arm()
  }
}

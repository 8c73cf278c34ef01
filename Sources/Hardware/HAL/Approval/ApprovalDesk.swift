import Model

/// Commands that wait for a person, and what became of the latest.
///
/// It only says whether a command may pass the gate; the gate carries it out.
package final class ApprovalDesk {
  /// A person has let an asker repeat a command for some time.
  private struct Permit {
    var asker: String
    var device: DeviceID
    var level: Double
    var end: Instant
  }

  /// The most commands that wait at a time: of one asker, and of all.
  static let mostOfOne = 4
  static let most = 32
  /// How many decided ones are remembered.
  static let mostDecided = 50

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
  /// Called with each one that waits no more, by its id, once.
  private var listeners: [(id: ULID, done: (Approval) -> Void)] = []

  init(_ clock: any Timekeeper, _ events: any EventSink) {
    self.clock = clock
    self.events = events
  }

  /// All, the newest last: those that were decided, then those that wait.
  package var all: [Approval] { decided + waiting }

  /// Lets a command pass, or has it wait for a person.
  /// - Parameters:
  ///   - level: what the command leads to.
  ///   - reason: what the asker says.
  /// - Throws: `waits`; `limited` when too many wait, or it was denied a short time ago.
  func require(
    _ settings: ApprovalSettings, _ device: DeviceID, _ command: ActuatorCommand, level: Double, lease: Duration?,
    _ principal: Principal, _ cause: Cause?, reason: String?
  ) throws(HALError) {
    guard !principal.needsNoApproval else { return }
    switch settings.scope {
    case .required: break
    case .above(let most): if level <= most { return }
    case .condition: if !isConcerned(device, level) { return }
    }
    let now = clock.now
    permits.removeAll { $0.end <= now }
    if permits.contains(where: { $0.asker == principal.name && $0.device == device && level <= $0.level }) { return }
    var pulse: Duration?
    if case .pulse(let length) = command { pulse = length }
    let asked = ApprovalEvents.Command(
      device, level: level, pulse: pulse, lease: lease, asker: principal.name, reason: reason)
    if let same = waiting.first(where: { $0.asked.isSameCommand(as: asked) }) {
      throw .waits(device, approval: same.id, until: same.expires)
    }
    denials.removeAll { $0.end <= now }
    if let denial = denials.first(where: { $0.asker == principal.name && $0.device == device }) {
      throw .limited(
        device, rule: "approval", detail: "\(denial.by) has denied it", retryAfter: denial.end - now)
    }
    // Another command to the same output: what waited is not wanted any more.
    for former in waiting where former.asked.asker == principal.name && former.asked.device == device {
      end(former.id, .void("\(principal.name) asks for something else"))
    }
    let ofOne = waiting.count { $0.asked.asker == principal.name }
    guard ofOne < Self.mostOfOne, waiting.count < Self.most else {
      throw .limited(
        device, rule: "approval",
        detail: ofOne < Self.mostOfOne
          ? "\(waiting.count) commands wait for approval already"
          : "\(ofOne) commands of \(principal.name) wait for approval already",
        retryAfter: waiting.map(\.expires).min().map { $0 - now })
    }
    let event = events.publish(
      ApprovalEvents.waiting(asked, for: settings.time), from: principal.name, cause: cause)
    let approval = Approval(
      id: event.id, asked: asked, command: command, principal: principal, cause: Cause(event), time: event.time,
      expires: now + settings.time)
    waiting.append(approval)
    arm()
    onChange(approval)
    throw .waits(device, approval: approval.id, until: approval.expires)
  }

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
          cause: Cause(event), time: id.milliseconds, expires: clock.now, state: .expired))
    }
  }

  /// Calls `done` once, when a command waits no more; at once if it does not, and never for an unknown id.
  package func whenDecided(_ id: ULID, _ done: @escaping (Approval) -> Void) {
    if waiting.contains(where: { $0.id == id }) {
      listeners.append((id, done))
    } else if let approval = decided.last(where: { $0.id == id }) {
      done(approval)
    }
  }

  /// Ends the wait of one because of something other than a decision.
  package func void(_ id: ULID, _ why: String) { end(id, .void(why)) }

  /// The asker has ended: what it asked for waits no more, and what it was granted is over.
  package func forget(_ asker: String) {
    for approval in waiting where approval.asked.asker == asker { end(approval.id, .void("\(asker) has ended")) }
    permits.removeAll { $0.asker == asker }
    denials.removeAll { $0.asker == asker }
  }

  /// Everything is over: an emergency stop, other rules.
  package func voidAll(_ why: String) {
    for approval in waiting { end(approval.id, .void(why)) }
    permits = []
  }

  /// Lets the asker repeat a command that was approved.
  func permit(_ approval: Approval, for time: Duration) {
    permits.append(
      Permit(
        asker: approval.asked.asker, device: approval.asked.device, level: approval.asked.level,
        end: clock.now + time))
  }

  /// Ends the wait of one.
  /// - Returns: it; nil if it does not wait.
  @discardableResult
  func end(_ id: ULID, _ state: Approval.State, publishing event: DaemonEvent? = nil) -> Approval? {
    guard let place = waiting.firstIndex(where: { $0.id == id }) else { return nil }
    var approval = waiting.remove(at: place)
    approval.state = state
    let news: DaemonEvent? =
      switch state {
      case .waiting, .approved: event
      case .denied(let by, let why): ApprovalEvents.denied(id, approval.asked, by: by, why: why)
      case .expired: ApprovalEvents.expired(id, approval.asked, why: "time")
      case .void(let why): ApprovalEvents.void(id, approval.asked, why: why)
      }
    if let news { events.publish(news, from: "system", cause: approval.cause) }
    if case .denied(let by, _) = state {
      denials.append((approval.asked.asker, approval.asked.device, by, clock.now + ApprovalSettings.defaultTime))
    }
    conclude(approval)
    return approval
  }

  private func conclude(_ approval: Approval) {
    decided.append(approval)
    if decided.count > Self.mostDecided { decided.removeFirst() }
    arm()
    onChange(approval)
    let told = listeners.filter { $0.id == approval.id }
    listeners.removeAll { $0.id == approval.id }
    for listener in told { listener.done(approval) }
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

extension ApprovalEvents.Command {
  /// Whether it asks for the same, whatever reason it gives.
  fileprivate func isSameCommand(as other: Self) -> Bool {
    var (mine, others) = (self, other)
    (mine.reason, others.reason) = (nil, nil)
    return mine == others
  }
}

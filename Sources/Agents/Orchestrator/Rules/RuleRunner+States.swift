import HAL
import Model
import Rules

/// What state rules do: events about them, claims on outputs, and what is stored about them.
extension RuleRunner {
  package func event(of subject: RuleSubject) -> Event? {
    switch subject {
    case .device(let id):
      hardware.publishNow(id)
      return newest(of: id)
    case .agent, .variable: return newestChange
    case .clock: return nil
    }
  }

  /// The newest event of a device: the one that is being handled, or else the last that it published.
  private func newest(of id: DeviceID) -> Event? {
    if let newestChange, newestChange.source == id.rawValue || newestChange.subject == id.rawValue {
      return newestChange
    }
    for name in [SensorEvents.name(of: id), InputEvents.name(of: id)] {
      if let event = history?.events(matching: EventPattern(name), last: 1, since: nil).first { return event }
    }
    return nil
  }

  package func published(_ change: StateChange, of rule: RuleID, cause: Event?) -> Event {
    if shadowRules.contains(rule) { return imagined(change, of: rule, cause: cause.map { Cause($0) }) }
    let event =
      switch change {
      case .began: RuleEvents.began(rule, resumes: false)
      case .resumed: RuleEvents.began(rule, resumes: true)
      case .ended(let why): RuleEvents.ended(rule, because: why)
      }
    return events.publish(event, from: "rule/\(rule)", cause: cause.map { Cause($0) })
  }

  package func claim(_ claim: OutputClaim) {
    let isShadow = shadowRules.contains(claim.rule)
    // The rule may have been a shadow until now, or not.
    (isShadow ? claims : shadowClaims).drop(claim.rule, nil, isRemoved: false)
    (isShadow ? shadowClaims : claims).claim(claim)
  }

  package func dropClaim(of rule: RuleID, ended: Event?, isRemoved: Bool) {
    claims.drop(rule, ended, isRemoved: isRemoved)
    shadowClaims.drop(rule, ended, isRemoved: isRemoved)
  }

  package func settleClaims() {
    claims.settle()
    if !shadowClaims.isEmpty { shadowClaims.settle() }
  }

  package func claimState(of rule: RuleID) -> OutputClaim.State? {
    (shadowRules.contains(rule) ? shadowClaims : claims).state(of: rule)
  }

  package func remember(_ rule: RuleID, _ memory: RuleMemory?) {
    // The registry reports a disk that cannot be written, once for all changes.
    try? registry?.keep([.rule(rule, memory)])
  }

  // MARK: Changes

  /// A sensor was measured, or an input has changed.
  func valueChanged(_ id: DeviceID) {
    engine?.changed(.device(id))
    watchForSilence(of: id)
  }

  /// Looks again when the newest good reading of a sensor that a state rule names becomes stale. The timer is not moved
  /// by each reading: it finds out itself that there was one.
  func watchForSilence(of id: DeviceID) {
    guard silences[id] == nil, engine?.watches(.device(id)) ?? false, let state = hardware.readingState(id),
      let limit = state.staleAfter, state.isGood || state.quality == nil
    else { return }
    let last = state.good.map { Instant(nanoseconds: $0.time) } ?? start
    let due = last + limit + .nanoseconds(1)
    // One that was never measured, and should have been.
    if due <= clock.now, !state.isGood { return }
    silences[id] = clock.schedule(at: max(due, clock.now)) { [weak self] in
      guard let self else { return }
      silences[id] = nil
      if hardware.readingState(id)?.isGood ?? false { watchForSilence(of: id) } else { engine?.changed(.device(id)) }
    }
  }

  /// An event may be a change that state rules wait for.
  func note(_ event: Event) {
    guard engine?.hasWatches ?? false || !claims.isEmpty else { return }
    newestChange = event
    defer { newestChange = nil }
    if DeviceEvents.isName(event.type) { claims.outputsChanged() }
    if let subject = Self.subject(of: event) { engine?.changed(subject) }
  }

  /// An event is not handed on, because its chain or the backlog is too long. What it tells of has changed all the same:
  /// state rules, interlocks and claims look at it when the events of this moment are handled.
  /// - Parameter event: nil if it is not known.
  func missed(_ event: Event?) {
    guard engine?.hasWatches ?? false || !claims.isEmpty else { return }
    missedChanges.add(event, subject: event.flatMap(Self.subject))
    guard !missedChanges.isWaiting else { return }
    missedChanges.isWaiting = true
    clock.schedule(after: .zero) { [weak self] in self?.lookAtMissed() }
  }

  private func lookAtMissed() {
    let missed = missedChanges
    missedChanges = MissedChanges()
    if missed.isOfDevice { claims.outputsChanged() }
    if missed.isAnything {
      engine?.everythingChanged()
    } else {
      for subject in missed.subjects { engine?.changed(subject) }
    }
  }

  /// What an event is a change of, as far as conditions can name it. Readings and levels of inputs come from the gate.
  private static func subject(of event: Event) -> RuleSubject? {
    let domain = event.type.utf8.prefix { $0 != UInt8(ascii: ":") }
    if domain.elementsEqual("device".utf8) {
      return event.payload["device"]?.string.map { .device(DeviceID($0)) }
    }
    if domain.elementsEqual("agent".utf8) { return event.payload["agent"]?.string.map { .agent(AgentID($0)) } }
    if event.type == RuleEvents.variableName { return event.payload["name"]?.string.map { .variable($0) } }
    return nil
  }

  /// A command was carried out. A person's safe command keeps claims off an output; so does the `off` of an event rule.
  func commanded(_ device: DeviceID, isSafe: Bool, by principal: Principal) {
    if !atWork.isEmpty { giveUpRetries(on: device) }
    guard isSafe, Party(of: principal.name) == .people else { return }
    suspendClaims(on: device, by: principal.name, for: OutputClaims.longestSuspension)
  }

  /// Shuts the interlocks of outputs (`only_while`) until their conditions are true. The board was checked when it was
  /// read.
  func watchInterlocks() {
    guard let interlocks = try? Interlock.compile(hardware.board), !interlocks.isEmpty else { return }
    engine?.watch(interlocks) { [weak self] device, truth, change in
      guard let self else { return }
      let reason: String? =
        switch truth {
        case .yes: nil
        case .no: "'only_while' does not allow it now\(condition(of: device))"
        case .unknown(let why): "'only_while' is unknown: \(why)"
        }
      hardware.setInterlock(device, reason, cause: change.flatMap(event).map { Cause($0) })
      // A claim that waits for it need not wait for an event.
      if reason == nil { for claims in [claims, shadowClaims] { claims.outputsChanged() } }
      watchForSilence(in: interlocks)
    }
  }

  /// Lets the gate ask the conditions of `approval`. The board was checked when it was read.
  func watchApprovals() {
    guard let conditions = try? ApprovalCondition.compile(hardware.board), !conditions.isEmpty else { return }
    hardware.approvals.isConcerned = { [weak self] device, level in
      guard let engine = self?.engine, let condition = conditions.first(where: { $0.device == device }) else {
        return true
      }
      // What is unknown needs a person.
      if case .no = engine.truth(condition, level: level) { return false }
      return true
    }
  }

  /// `: !input('rain')`: what an interlock asks for.
  private func condition(of device: DeviceID) -> String {
    guard case .actuator(let settings)? = hardware.board.device(device)?.kind, let condition = settings.onlyWhile else {
      return ""
    }
    return ": \(condition.text.prefix(100))"
  }

  /// Looks again when what interlocks name becomes stale.
  private func watchForSilence(in interlocks: [Interlock]) {
    for interlock in interlocks { for device in interlock.devices { watchForSilence(of: device) } }
  }

  // MARK: People

  package func explain(_ rule: RuleID) -> RuleExplanation? { engine?.explain(rule) }

  package func setRule(_ rule: RuleID, enabled: Bool) -> Bool { engine?.setEnabled(rule, enabled) ?? false }

  package func resumeRule(_ rule: RuleID) -> Bool {
    let wasSuspended = hardware.board.devices.contains { device in
      [claims, shadowClaims].contains {
        $0.claimants(of: device.id).contains(rule) && $0.endSuspension(of: device.id)
      }
    }
    return engine?.resume(rule) ?? false || wasSuspended
  }

  package func giveBack(_ device: DeviceID) -> Bool {
    _ = shadowClaims.endSuspension(of: device)
    return claims.endSuspension(of: device)
  }

  package func suspendClaims(on device: DeviceID, by holder: String, for time: Duration) {
    for claims in [claims, shadowClaims] { claims.suspend(device, by: holder, for: time) }
  }

  package func whenStored(_ done: @escaping (String?) -> Void) {
    guard let registry else { return done(nil) }
    var isDone = false
    func answer(_ problem: String?) {
      if !isDone { done(problem) }
      isDone = true
    }
    // A disk that hangs must not keep people waiting: what they asked for is done already.
    let alarm = clock.schedule(after: Self.diskPatience) { answer("the disk has not answered yet") }
    registry.flush { [clock] result in
      clock.cancel(alarm)
      if case .failure(let failure) = result { answer(failure.message) } else { answer(nil) }
    }
  }

  /// How long people wait for the disk.
  private static let diskPatience = Duration.seconds(5)

  package func isSuspended(_ device: DeviceID) -> Bool { claims.isSuspended(device) }

  package var messages: [Fields] { messageLog.all }

  package func removeMessages(through last: ULID?) -> Int { messageLog.remove(through: last) }

  // MARK: Variables

  package func setVariable(_ name: String, _ value: Value, by holder: String, cause: Cause?) throws(NoAnswer) {
    guard let before = variables[name] else {
      throw NoAnswer(
        "no variable '\(name)' is declared under 'vars:'"
          + Suggestion.phrase(for: name, in: variables.map(\.key)))
    }
    guard let value = Self.converted(value, like: declared[name] ?? before) else {
      let wanted = declared[name] ?? before
      let hint = wanted.string != nil && value.string == nil ? "; a text of digits needs quotes, as in '\"5\"'" : ""
      throw NoAnswer("'\(name)' takes \(Self.kind(wanted)), not \(value.text(limit: 60))\(hint)")
    }
    guard value.isSmall else { throw NoAnswer("'\(name)' takes at most 1 KiB") }
    if value == before { return }
    variables[name] = value
    try? registry?.keep([.variable(name, value)])
    events.publish(RuleEvents.variable(name, value, by: holder), from: holder, cause: cause)
  }

  /// Restores what the previous daemon stored, as far as it fits the declarations.
  func recallVariables() {
    for (name, value) in declared {
      guard let kept = keptVariables[name], let fitting = Self.converted(kept, like: value) else { continue }
      variables[name] = fitting
    }
  }

  /// A value of the type of `other`; nil if it has another one. An integer may be a decimal number.
  private static func converted(_ value: Value, like other: Value) -> Value? {
    switch (value, other) {
    case (.int(let number), .double): .double(Double(number))
    case (.bool, .bool), (.int, .int), (.double, .double), (.string, .string), (.list, .list), (.map, .map): value
    default: nil
    }
  }

  private static func kind(_ value: Value) -> String {
    switch value {
    case .null: "nothing"
    case .bool: "true or false"
    case .int: "a whole number"
    case .double: "a number"
    case .string: "a text"
    case .bytes: "bytes"
    case .list: "a list"
    case .map: "a map"
    }
  }
}

/// What events that are not handed on tell of.
struct MissedChanges {
  private(set) var subjects: Set<RuleSubject> = []
  /// Whether there were events that are not known, or too many.
  private(set) var isAnything = false
  private(set) var isOfDevice = false
  /// Whether they will be looked at.
  var isWaiting = false

  /// - Parameter event: nil for one that is not known.
  mutating func add(_ event: Event?, subject: RuleSubject?) {
    isOfDevice = isOfDevice || event.map { DeviceEvents.isName($0.type) } ?? true
    isAnything = isAnything || event == nil || subjects.count > 1000
    if let subject, !isAnything { subjects.insert(subject) }
  }
}

extension Value {
  /// Whether it may be a variable.
  fileprivate var isSmall: Bool { text(limit: 1025).utf8.count <= 1024 }
}

extension Event {
  /// The device or agent that it is about; nil for none.
  fileprivate var subject: String? { payload["device"]?.string ?? payload["agent"]?.string }
}

import HAL
import Model
import Rules

/// What was recorded on a board, run again with other files: the same readings, levels, faults, people and events from
/// outside, and what rules and outputs would have done.
package struct Replay {
  /// Something that rules or outputs did, or would have done.
  package struct Deed: Sendable, Hashable {
    /// When, in milliseconds since 1970.
    package var time: UInt64
    /// The rule or the output.
    package var subject: String
    /// `began`, `fired`, `says 'the tank is empty'`, `on`, `40%`.
    package var what: String
  }

  /// A deed that is in one of the two only.
  package struct Difference: Sendable, Hashable {
    /// What was done.
    package var deed: Deed
    /// Whether it was recorded, and would not happen now; otherwise it would happen now, and was not recorded.
    package var wasRecorded: Bool
  }

  /// What a replay has found.
  package struct Outcome: Sendable {
    /// How many deeds are the same.
    package var same: Int
    /// The others, oldest first.
    package var differences: [Difference]
    /// What the trial could not do, for people.
    package var problems: [String]
  }

  private let events: [Event]
  private let board: Board

  /// - Parameters:
  ///   - events: as they were recorded, oldest first.
  ///   - board: the board of today's files.
  package init(_ events: [Event], on board: Board) {
    self.events = events.sorted { $0.time < $1.time }
    self.board = board
  }

  /// Runs the rules on what was recorded.
  /// - Parameters:
  ///   - home: an existing empty folder.
  ///   - tolerance: how far apart two deeds may be that count as the same.
  ///   - utcOffset: how far local time is ahead of UTC at a time, both in seconds.
  /// - Throws: all errors in the rules.
  package func run(
    _ declarations: RuleDeclarations, home: String, tolerance: Duration = .seconds(10),
    utcOffset: @escaping (Int64) -> Int
  ) throws(Diagnostics) -> Outcome {
    guard let first = events.first, let last = events.last else {
      return Outcome(same: 0, differences: [], problems: [])
    }
    let start = first.time - min(first.time, 1000)
    let trial = try RuleTrial(
      board.replayable, declarations, home: home, wall: Int64(start / 1000), utcOffset: utcOffset, initial: opening)
    var problems: [String] = []
    for event in events {
      let now = trial.loop.wallMilliseconds
      if event.time > now { trial.wait(.milliseconds(Int64(clamping: event.time - now))) }
      if let problem = apply(event, to: trial) { problems.append(problem) }
    }
    trial.wait(tolerance)
    let recorded = deeds(of: events)
    let replayed = deeds(of: trial.events).filter { $0.time <= last.time + UInt64(tolerance.nanoseconds / 1_000_000) }
    let (same, differences) = compare(recorded, replayed, within: UInt64(tolerance.nanoseconds / 1_000_000))
    return Outcome(same: same, differences: differences, problems: trial.problems + problems)
  }

  /// The first recorded value of each sensor and level of each input, so that rules do not see values that never were.
  private var opening: [(device: DeviceID, change: Value)] {
    var seen: Set<DeviceID> = []
    return events.compactMap { event in
      guard let (device, change) = Self.measurement(event), seen.insert(device).inserted else { return nil }
      return (device, change)
    }
  }

  private static func measurement(_ event: Event) -> (DeviceID, Value)? {
    if let id = id(in: event.type, of: "sensor:"), event.payload["quality"]?.string ?? "good" == "good",
      let value = event.payload["value"]?.double
    {
      return (id, ["value": .double(value)])
    }
    if let id = id(in: event.type, of: "input:"), let active = event.payload["active"]?.bool {
      return (id, ["active": .bool(active)])
    }
    return nil
  }

  private static func id(in type: String, of domain: String) -> DeviceID? {
    type.hasPrefix(domain) ? DeviceID(String(type.dropFirst(domain.utf8.count))) : nil
  }

  // MARK: Doing again

  /// - Returns: why it cannot be done again; nil when it was, or is nothing from outside.
  private func apply(_ event: Event, to trial: RuleTrial) -> String? {
    let device = event.payload["device"]?.string.map { DeviceID($0) }
    do throws(HALError) {
      if let (id, change) = Self.measurement(event) {
        guard board.device(id) != nil else { return "'\(id)' is no device of the board any more" }
        try trial.simulate(id, change)
        return nil
      }
      switch event.type {
      case "device:fault", "device:lost":
        if let device, board.device(device) != nil { try trial.simulate(device, ["fault": "unplug"]) }
      case "device:recovered", "device:back":
        if let device, board.device(device) != nil { try trial.simulate(device, ["fault": "none"]) }
      case DeviceEvents.changedName: try command(event, device, trial)
      case "camera:motion": trial.emit(event.type, event.payload)
      case "system:emergency_stop": trial.stop()
      case "system:emergency_stop_cleared": try trial.clear()
      case "system:stopping": trial.restart()
      case RuleEvents.variableName: setVariable(event, trial)
      case SystemEvents.commandName: ask(event, trial)
      default:
        if EventPattern.builtInDomain(of: event.type) == nil, !event.source.hasPrefix("rule/") {
          trial.emit(event.type, event.payload)
        }
      }
      return nil
    } catch { return "\(event.type): \(error)" }
  }

  /// What people and agents did to an output.
  private func command(_ event: Event, _ device: DeviceID?, _ trial: RuleTrial) throws(HALError) {
    // A rule has it again: a person has ended the suspension, of which there is no event.
    if let device, event.payload["holder"]?.string?.hasPrefix("rule/") == true, event.payload["state"]?.double != 0 {
      _ = trial.rules.giveBack(device)
      trial.loop.settle()
    }
    guard let device, let holder = event.payload["holder"]?.string, let state = event.payload["state"]?.double,
      holder.hasPrefix("client/") || holder.hasPrefix("agent/"), board.device(device) != nil
    else { return }
    switch event.payload["reason"]?.string {
    case "command", "override":
      let lease = event.payload["lease_ms"]?.int.map { Duration.milliseconds($0) }
      try trial.set(device, .level(state), lease: lease.flatMap { $0 > .zero ? $0 : nil }, as: holder)
    case "released", "holder-ended": try trial.release(device, as: holder)
    default: break
    }
  }

  /// What people asked of a rule, of which there is no other event.
  private func ask(_ event: Event, _ trial: RuleTrial) {
    guard let rule = event.payload["rule"]?.string.map({ RuleID($0) }) else { return }
    switch event.payload["method"]?.string {
    case "rules.enable": _ = trial.rules.setRule(rule, enabled: event.payload["enabled"]?.bool ?? true)
    case "rules.resume": _ = trial.rules.resumeRule(rule)
    default: return
    }
    trial.loop.settle()
  }

  private func setVariable(_ event: Event, _ trial: RuleTrial) {
    guard event.payload["holder"]?.string?.hasPrefix("client/") == true, let name = event.payload["name"]?.string,
      let text = event.payload["value"]?.string
    else { return }
    let value: Value =
      text == "true"
      ? true
      : text == "false"
        ? false
        : Int64(text).map(Value.int) ?? Double(text).map(Value.double) ?? .string(text)
    try? trial.rules.setVariable(name, value, by: "client/replay", cause: nil)
    trial.loop.settle()
  }

  // MARK: Comparing

  private func deeds(of events: [Event]) -> [Deed] {
    events.compactMap { event in
      let rule = event.payload["rule"]?.string ?? ""
      switch event.type {
      case "rule:began": return Deed(time: event.time, subject: rule, what: "began")
      case "rule:ended": return Deed(time: event.time, subject: rule, what: "ended")
      case "rule:fired": return Deed(time: event.time, subject: rule, what: "fired")
      case "rule:notify":
        return Deed(time: event.time, subject: rule, what: "says '\(event.payload["text"]?.string ?? "")'")
      case DeviceEvents.changedName:
        guard let device = event.payload["device"]?.string, let state = event.payload["state"]?.double else {
          return nil
        }
        return Deed(time: event.time, subject: device, what: EventSentence.level(state))
      default: return nil
      }
    }
  }

  private func compare(
    _ recorded: [Deed], _ replayed: [Deed], within tolerance: UInt64
  ) -> (same: Int, [Difference]) {
    var open = replayed
    var differences: [Difference] = []
    var same = 0
    for deed in recorded {
      let match = open.firstIndex { other in
        other.subject == deed.subject && other.what == deed.what
          && max(other.time, deed.time) - min(other.time, deed.time) <= tolerance
      }
      if let match {
        open.remove(at: match)
        same += 1
      } else {
        differences.append(Difference(deed: deed, wasRecorded: true))
      }
    }
    differences += open.map { Difference(deed: $0, wasRecorded: false) }
    return (same, differences.sorted { ($0.deed.time, $0.deed.subject) < ($1.deed.time, $1.deed.subject) })
  }
}

extension Board {
  /// A copy whose sensors take the values of events as they are: those were calibrated and filtered when they were
  /// measured.
  fileprivate var replayable: Board {
    var board = self
    for index in board.devices.indices {
      switch board.devices[index].kind {
      case .sensor(var settings):
        settings.unit = settings.convert ?? settings.unit
        (settings.points, settings.convert, settings.filter, settings.stuck) = ([], nil, nil, nil)
        (settings.scale, settings.offset) = (1, 0)
        board.devices[index].kind = .sensor(settings)
      case .input(var settings):
        settings.debounce = .zero
        board.devices[index].kind = .input(settings)
      case .actuator, .camera: break
      }
    }
    return board
  }
}

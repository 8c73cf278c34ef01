import Agent
import Model

/// The requirements of every isolation, one per case.
package enum Conformance: String, CaseIterable, Sendable {
  case startsOnce, saysWhyItCannotStart, handlesEvents, goesOnAfterAFailure, passesRefusalsOn, reports
  case keepsState, keepsStateOverRestarts, setsTimers
  case stops, stopsNow, stopsTwice, stopsInTheMiddleOfAnEvent, takesNothingOnceStopped
  case saysThatItHasEnded, leavesAnEventItHadNotBegun, isStoppedAfterItsEnd, diesInTheMiddleOfAnEvent
  case isEndedAtItsTimeLimit

  /// Tests the requirement.
  /// - Returns: a sentence for each violation; empty when there is none.
  package func complaints(_ bench: any IsolationBench) throws -> [String] {
    guard var manifest = try bench.manifest(behaviour) else { return [] }
    if self == .isEndedAtItsTimeLimit { manifest.budget.activation = .milliseconds(300) }
    var subject = Subject(bench, manifest)
    var complaints = Complaints()
    if self == .keepsStateOverRestarts {
      subject.activate()
      subject.wait { !subject.activations.isEmpty }
      subject.stop(now: true)
      subject.wait { subject.stops == 1 }
      subject = Subject(bench, manifest, host: subject.host)
    }
    if self != .saysWhyItCannotStart {
      complaints.expect(subject.starts == 1 && subject.instance != nil, "no instance: \(subject.startFailures)")
    }
    check(subject, &complaints)
    // No instance may be left running, and none may end twice.
    let ended = subject.ends.count
    let stops = subject.stops
    if subject.instance != nil {
      subject.stop(now: true)
      subject.wait { subject.stops > stops }
      complaints.expect(subject.stops == stops + 1, "a stop is answered once")
    }
    complaints.expect(subject.ends.count == ended, "it says that it has ended though it was stopped")
    complaints.expect(subject.starts == 1, "its start is answered \(subject.starts) times")
    return complaints.all
  }

  private var behaviour: Behaviour {
    switch self {
    case .saysWhyItCannotStart: .isMissing
    case .goesOnAfterAFailure: .fails
    case .passesRefusalsOn: .passesRefusalsOn
    case .keepsState, .keepsStateOverRestarts: .keepsState
    case .setsTimers: .setsTimers
    case .saysThatItHasEnded, .leavesAnEventItHadNotBegun, .isStoppedAfterItsEnd: .diesReporting
    case .diesInTheMiddleOfAnEvent: .diesHandling
    case .isEndedAtItsTimeLimit: .spins
    default: .works
    }
  }

  private func check(_ subject: Subject, _ complaints: inout Complaints) {
    switch self {
    case .startsOnce: break
    case .saysWhyItCannotStart:
      complaints.expect(subject.instance == nil && subject.startFailures.count == 1, "it starts")
      complaints.expect(subject.startFailures.first?.reason == .startFailed, "\(subject.startFailures)")
    case .handlesEvents:
      for number in 1...3 {
        subject.activate()
        subject.wait { subject.activations.count == number }
        complaints.expect(subject.activations.count == number, "event \(number) is answered once")
      }
      complaints.expect(subject.activations == [nil, nil, nil], "\(subject.activations)")
      complaints.expect(subject.host.lines == ["handled", "handled", "handled"], "\(subject.host.lines)")
    case .goesOnAfterAFailure:
      for number in 1...2 {
        subject.activate()
        subject.wait { subject.activations.count == number }
      }
      complaints.expect(subject.activations.count == 2, "\(subject.activations)")
      for failure in subject.activations {
        complaints.expect(failure?.reason == .error, "a failed handler is an 'error': \(failure as Any)")
        complaints.expect(failure?.message.hasSuffix("no such thing") == true, "\(failure as Any)")
      }
    case .passesRefusalsOn:
      var refusals = Refusals()
      refusals.note(CountingHost.refusal)
      subject.activate()
      subject.wait { !subject.activations.isEmpty }
      let failure = subject.activations.first.flatMap { $0 }
      complaints.expect(failure.flatMap(refusals.passedOn) == CountingHost.refusal, "\(subject.activations)")
    case .keepsState, .keepsStateOverRestarts:
      subject.activate()
      subject.wait { !subject.activations.isEmpty }
      complaints.expect(subject.activations == [nil], "\(subject.activations)")
      let expected: Fields = ["n": self == .keepsState ? 1 : 2]
      complaints.expect(subject.host.values == expected, "\(subject.host.values)")
    case .setsTimers:
      subject.activate()
      subject.wait { !subject.activations.isEmpty }
      complaints.expect(subject.activations == [nil], "\(subject.activations)")
      let expected = ["dry after 5s", "poll every 30s", "dry cancelled"]
      complaints.expect(subject.host.timers == expected, "\(subject.host.timers)")
    case .reports:
      subject.report()
      subject.wait { !subject.reports.isEmpty }
      complaints.expect(subject.reports == [["n": 1]], "\(subject.reports)")
    case .stops, .stopsNow:
      subject.stop(now: self == .stopsNow)
      subject.wait { subject.stops == 1 }
      complaints.expect(subject.stops == 1, "its end is told \(subject.stops) times")
    case .stopsTwice:
      subject.stop(now: false)
      subject.stop(now: true)
      subject.wait { subject.stops == 2 }
      complaints.expect(subject.stops == 2, "two stops are answered \(subject.stops) times")
    case .stopsInTheMiddleOfAnEvent:
      subject.host.onLine = { subject.stop(now: true) }
      subject.activate()
      subject.wait { subject.stops == 1 }
      subject.host.onLine = {}
      complaints.expect(subject.stops == 1, "its end is told \(subject.stops) times")
      complaints.expect(subject.activations.count <= 1, "an event is answered \(subject.activations.count) times")
    case .takesNothingOnceStopped:
      subject.stop(now: true)
      subject.wait { subject.stops == 1 }
      subject.activate()
      subject.report()
      subject.wait { !subject.activations.isEmpty && !subject.reports.isEmpty }
      complaints.expect(subject.activations.count == 1 && subject.activations[0] != nil, "\(subject.activations)")
      complaints.expect(subject.reports.count == 1 && subject.host.lines.isEmpty, "\(subject.reports)")
    case .saysThatItHasEnded:
      subject.report()
      subject.wait { !subject.ends.isEmpty }
      complaints.expect(subject.ends.map(\.failure.reason) == [.crash], "\(subject.ends)")
      complaints.expect(subject.ends.first?.leavesEvent == false, "there was no event")
    case .leavesAnEventItHadNotBegun:
      subject.report()
      let isOver = !subject.ends.isEmpty
      if !isOver { subject.activate() }
      subject.wait { !subject.ends.isEmpty }
      complaints.expect(subject.ends.count == 1, "\(subject.ends)")
      complaints.expect(subject.ends.first?.leavesEvent == !isOver, "\(subject.ends)")
      let isHandled = subject.host.lines.contains("handled")
      complaints.expect(subject.activations.isEmpty && !isHandled, "\(subject.activations)")
    case .diesInTheMiddleOfAnEvent, .isEndedAtItsTimeLimit:
      subject.activate()
      subject.wait { !subject.ends.isEmpty || !subject.activations.isEmpty }
      // Either the event's answer or the end tells it.
      let failures = subject.activations.compactMap(\.self) + subject.ends.map(\.failure)
      let reason = self == .diesInTheMiddleOfAnEvent ? ExitReason.crash : .activation
      complaints.expect(failures.map(\.reason) == [reason], "\(subject.activations), \(subject.ends)")
      complaints.expect(!subject.ends.contains(where: \.leavesEvent), "it had begun the event")
    case .isStoppedAfterItsEnd:
      subject.report()
      subject.wait { !subject.ends.isEmpty }
      subject.stop(now: false)
      subject.wait { subject.stops == 1 }
      complaints.expect(subject.stops == 1 && subject.ends.count == 1, "\(subject.stops) stops, \(subject.ends)")
    }
  }
}

/// Collects violations.
private struct Complaints {
  private(set) var all: [String] = []

  mutating func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) {
    if !holds { all.append(otherwise()) }
  }
}

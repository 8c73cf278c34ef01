import Model

/// How an earlier run of the daemon ended, and which agent caused it.
package struct Verdict: Sendable, Hashable {
  /// The kinds of ends.
  package enum Ending: String, Sendable, Hashable {
    /// In good order.
    case clean
    /// By a power cut or a reboot of the board.
    case power
    /// By a signal that its own code caused.
    case crash = "crash.signal"
    /// By the service manager's watchdog, while the loop used the CPU.
    case spinning = "stuck.spinning"
    /// By the service manager's watchdog, while the loop was blocked.
    case blocked = "stuck.blocked"
    /// By the service manager's watchdog, while the loop waited for a CPU: the machine was too busy.
    case starved
    /// By SIGKILL, a signal of another process, or exit(3).
    case killed
  }

  /// The kind of end.
  package var ending: Ending
  /// The in-process or WASM agent whose code caused it; nil for none.
  package var blamed: AgentID?
  /// The explanation for people, without a full stop.
  package var sentence: String
  /// Why the blamed agent is in quarantine since this end; nil when it is not, or was before.
  package var quarantine: String?

  /// Whether the end counts towards safe mode.
  package var isUnclean: Bool {
    switch ending {
    case .clean, .power, .starved: false
    case .crash, .spinning, .blocked, .killed: true
    }
  }

  /// Judges a run.
  /// - Parameters:
  ///   - run: the run's crash record.
  ///   - boot: the id of the present boot.
  ///   - forMemory: whether the kernel has killed a process of the service for lack of memory.
  /// - Returns: the verdict. No agent is blamed for the actions of other threads, other processes or the machine.
  package static func on(_ run: PastRun, boot: String, forMemory: Bool = false) -> Verdict {
    guard run.stage != .ended else { return Verdict(.clean, nil, "it ended in good order") }
    guard run.boot == boot else { return Verdict(.power, nil, "the board lost power or was rebooted") }
    let doing = run.activity.map(words)
    guard let fault = run.fault else {
      let end = forMemory ? "the kernel killed it, since its memory was used up" : "it was killed"
      let sentence = doing.map { "\(end)\(forMemory ? "" : ", or ended its own process"), while \($0)" } ?? end
      return Verdict(.killed, run.activity?.agent, sentence)
    }
    if fault.code > 0 || fault.sender == run.pid || fault.sender == 0 {
      let place = "\(name(fault.signal)) at \(place(fault))"
      guard fault.onLoop else { return Verdict(.crash, nil, "\(place), on a thread other than the loop's") }
      return Verdict(.crash, run.activity?.agent, doing.map { "\(place), while \($0)" } ?? place)
    }
    // systemd sends SIGABRT (systemd.service(5), WatchdogSignal=, TimeoutStartFailureMode=, TimeoutStopFailureMode=).
    guard fault.signal == abort else {
      return Verdict(.killed, nil, "process \(fault.sender) sent it \(name(fault.signal))")
    }
    return hung(run, fault)
  }

  private static func hung(_ run: PastRun, _ fault: PastRun.Fault) -> Verdict {
    let beat = run.beat ?? PastRun.Beat(time: run.started, cpu: .zero, delay: .zero)
    let silence = max(.zero, fault.time - beat.time)
    let span = "for \(rounded(silence))"
    let waited = fault.delay.map { $0 - beat.delay } ?? .zero
    if fault.delay != nil, waited >= silence / 2 {
      return Verdict(.starved, nil, "the machine gave it no CPU \(span)")
    }
    // Compare with the time in which the thread could have run.
    let isSpinning = fault.onLoop && fault.cpu - beat.cpu >= (silence - waited) / 2
    let ending: Ending = isSpinning ? .spinning : .blocked
    let what = tooLong(run.stage) + "the loop did not turn \(span), \(isSpinning ? "using the CPU" : "waiting")"
    // An activity that began late in the silence did not cause it.
    guard let activity = run.activity, activity.began <= beat.time + silence / 2 else {
      return Verdict(ending, nil, what)
    }
    return Verdict(
      ending, activity.agent,
      "\(what), while \(words(activity)) since \(rounded(fault.time - activity.began)), at \(place(fault))")
  }

  /// The explanation for a start or stop: systemd has separate timeouts for them, and uses the watchdog in between.
  private static func tooLong(_ stage: PastRun.Stage) -> String {
    switch stage {
    case .starting: "its start took too long; "
    case .stopping: "its end took too long; "
    case .serving, .ended: ""
    }
  }

  private init(_ ending: Ending, _ blamed: AgentID?, _ sentence: String) {
    self.ending = ending
    self.blamed = blamed
    self.sentence = sentence
  }

  // MARK: Words

  private static let abort: Int32 = 6

  private static func words(_ activity: PastRun.Activity) -> String {
    let agent = "agent \(activity.agent.rawValue.printable)"
    return switch activity.phase {
    case .start: "\(agent) was starting"
    case .activation:
      "\(agent) handled \(activity.type.printable)" + (activity.event.map { " (\($0))" } ?? "")
    case .snapshot: "\(agent) reported its state"
    case .end: "\(agent) was stopping"
    }
  }

  private static func place(_ fault: PastRun.Fault) -> String {
    let file = fault.object.split(separator: "/").last.map { String($0).printable } ?? "an unknown place"
    let offset = "+0x\(String(fault.offset, radix: 16))"
    return fault.symbol.map { "\($0.printable) (\(file)\(offset))" } ?? "\(file)\(offset)"
  }

  private static func rounded(_ duration: Duration) -> String {
    Duration.milliseconds(max(0, duration.nanoseconds) / 1_000_000).text
  }

  /// The name of a fatal signal (signal(7)); the numbers are the same on all supported architectures.
  static func name(_ signal: Int32) -> String {
    switch signal {
    case 4: "SIGILL"
    case 5: "SIGTRAP"
    case 6: "SIGABRT"
    case 7: "SIGBUS"
    case 8: "SIGFPE"
    case 11: "SIGSEGV"
    default: "signal \(signal)"
    }
  }
}

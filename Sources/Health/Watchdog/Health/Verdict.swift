import Model

/// How an earlier run of the daemon ended, and who is to blame.
public struct Verdict: Sendable, Hashable {
  /// How it ended.
  public enum Ending: String, Sendable, Hashable {
    /// In good order.
    case clean
    /// With the board: a power cut or a reboot.
    case power
    /// By a signal that its own code has caused.
    case crash = "crash.signal"
    /// The service manager, for not answering, while the loop used the CPU.
    case spinning = "stuck.spinning"
    /// The same, while the loop waited for something.
    case blocked = "stuck.blocked"
    /// The same, while the loop waited for a CPU: the machine was too busy.
    case starved
    /// SIGKILL, a signal from somebody else, or exit(3) in the middle of it.
    case killed
  }

  /// How it ended.
  public var ending: Ending
  /// The agent whose code did it, linked in or a module; nil when none did.
  public var blamed: AgentID?
  /// What happened, for people.
  public var sentence: String

  /// Whether a start that follows counts towards safe mode.
  public var isUnclean: Bool {
    switch ending {
    case .clean, .power, .starved: false
    case .crash, .spinning, .blocked, .killed: true
    }
  }

  /// Judges a run.
  /// - Parameters:
  ///   - run: what it left.
  ///   - boot: the boot id now.
  ///   - forMemory: whether the kernel is known to have killed a process of the service for want of memory.
  /// - Returns: how it ended. Nobody is blamed for what other threads, other processes or the machine have done.
  public static func on(_ run: PastRun, boot: String, forMemory: Bool = false) -> Verdict {
    guard run.stage != .ended else { return Verdict(.clean, nil, "it ended in good order") }
    guard run.boot == boot else { return Verdict(.power, nil, "the board lost power, or was started again") }
    let doing = run.activity.map(words)
    guard let fault = run.fault else {
      let end = forMemory ? "the kernel killed it, since its memory was used up" : "it was killed"
      let sentence = doing.map { "\(end)\(forMemory ? "" : ", or ended its own process"), while \($0)" } ?? end
      return Verdict(.killed, run.activity?.agent, sentence)
    }
    if fault.code > 0 || fault.sender == run.pid || fault.sender == 0 {
      let place = "\(name(fault.signal)) at \(place(fault))"
      guard fault.onLoop else { return Verdict(.crash, nil, "\(place), on a thread beside the loop") }
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
    // Of the time in which it could have run.
    let isSpinning = fault.onLoop && fault.cpu - beat.cpu >= (silence - waited) / 2
    let ending: Ending = isSpinning ? .spinning : .blocked
    let what = tooLong(run.stage) + "the loop did not turn \(span), \(isSpinning ? "using the CPU" : "waiting")"
    // One that has only just begun is not what held the loop up.
    guard let activity = run.activity, activity.began <= beat.time + silence / 2 else {
      return Verdict(ending, nil, what)
    }
    return Verdict(
      ending, activity.agent,
      "\(what), while \(words(activity)) since \(rounded(fault.time - activity.began)), at \(place(fault))")
  }

  /// systemd has a limit of its own for each; its watchdog is for what lies between.
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
    case .start: "\(agent) was being made"
    case .activation:
      "\(agent) handled \(activity.type.printable)" + (activity.event.map { " (\($0))" } ?? "")
    case .snapshot: "\(agent) told its state"
    case .end: "\(agent) was being let go"
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

  /// The name of a signal that the record may hold (signal(7)); they are the same on every architecture of ours.
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

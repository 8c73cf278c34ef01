import EventLoop
import GuardianClient
import HAL
import Linux
import Model

extension Zone {
  /// The guardian of a board's outputs; nil where the settings want none. Unless they say so, a simulated board has
  /// none: nothing of it outlives the daemon.
  static func guardian(
    _ configuration: Configuration, loop: EventLoop, events: any EventSink
  ) throws(StartFailure) -> GuardianLink? {
    guard configuration.settings.guardian ?? (configuration.board.backend == .linux) else { return nil }
    guard GuardianProgram.find() != nil else {
      throw .configuration(
        "\(GuardianProgram.name) is not installed: nobody would make the outputs safe should the daemon be killed; install "
          + "it beside openstarryd or in /usr/lib/openstarry, or say 'guardian: false' in openstarry.yaml to do without"
      )
    }
    let name = configuration.settings.socket.split(separator: "/").last.map(String.init) ?? ""
    guard name.utf8.count <= longestSocketName else {
      throw .configuration(
        "socket: the file name '\(name)' has \(name.utf8.count) bytes; beside a guardian it may have "
          + "\(longestSocketName) at most")
    }
    do throws(SystemError) {
      return try GuardianLink(
        loop: loop, events: events, socket: configuration.settings.socket,
        actuators: configuration.board.devices.compactMap { device in
          guard case .actuator(let settings) = device.kind else { return nil }
          return (device.id, settings.onExit)
        })
    } catch {
      throw .unavailable("no memory for the guardian: \(error)")
    }
  }

  /// A guardian's socket has 13 bytes more, and is reached through its open folder where its path is long.
  private static let longestSocketName = 64

  /// How it is with the guardian, in a few words.
  var guardianStatus: String {
    guard let guardian else { return "off" }
    let restarts = guardian.restarts > 0 ? ", started again \(guardian.restarts) times" : ""
    return switch guardian.state {
    case .starting(let pid): "is coming up, pid \(pid)\(restarts)"
    case .running(let pid): "running, pid \(pid)\(restarts)"
    case .lost: "lost, another one is being started\(restarts)"
    case .missing: "missing: \(GuardianProgram.name) is not installed"
    case .ended: "ended with the daemon"
    case .left(let pid): "goes on without the daemon, pid \(pid)"
    }
  }

  /// Waits until the guardian runs, for as long as a start may take at most.
  /// - Returns: why there is none; nil where it runs or none is wanted.
  func awaitGuardian() -> String? {
    guard let guardian else { return nil }
    var isOver = false
    // One whole attempt, and the end of it.
    let timer = loop.schedule(after: GuardianLink.patience + .milliseconds(500)) { isOver = true }
    defer { loop.cancel(timer) }
    while !isOver, !stopRequested {
      if case .running = guardian.state { return nil }
      loop.turn(wait: true)
    }
    if stopRequested { return nil }
    return "its guardian cannot be started: \(guardian.problem ?? "nobody knows why"); 'guardian: false' in "
      + "openstarry.yaml does without, and then nobody makes the outputs safe should the daemon be killed"
  }

  // MARK: What refuses

  /// How long the end waits for outputs that refuse: with all else, well within the unit's `TimeoutStopSec=`.
  static let patience = Duration.seconds(3)

  /// Outputs that do not do what they were told, for `daemon.status`: why, and who goes on trying; nil for none.
  var notSafeStatus: Value? {
    let refusals = hardware.refusals
    guard !refusals.isEmpty else { return nil }
    return .map(
      Fields(
        refusals.map { refusal in
          let who =
            if !hardware.isTriedAgain(refusal.device) {
              "nobody tries again: mend the board file and start the daemon anew"
            } else if isStopping {
              "the daemon ends, and tries again"
            } else {
              "the daemon tries again"
            }
          return (refusal.device.rawValue, .string("\(refusal.why); \(who)"))
        }))
  }

  /// The outputs are as they are to be, but for those that refuse: these are left to the guardian, and it is said who
  /// sees to each.
  func leave(_ refusals: [Hardware.Refusal]) {
    let kept = refusals.map(\.device).filter { guardian?.keeps($0) ?? false }
    guardian?.end(leaving: kept)
    if case .left(let pid)? = guardian?.state, let driven = guardian?.keptDriven, !driven.isEmpty {
      let names = driven.map(\.rawValue).joined(separator: ", ")
      journal.log(.notice, "safe and driven on by the guardian (process \(pid)) until the next start: \(names)")
    }
    for refusal in refusals {
      let (id, text) = (refusal.device, "NOT SAFE: \(refusal.why)")
      if case .left(let pid)? = guardian?.state, kept.contains(id) {
        journal.log(
          .error, "\(text); its guardian (process \(pid)) tries again until it is, or until the daemon is started")
      } else if refusal.isGone {
        journal.log(.warning, "\(text); nobody can reach '\(id)' before it is back and the daemon is started")
      } else {
        journal.log(.error, "\(text); nobody tries again: start the daemon, or run 'openstarryd --make-safe'")
      }
    }
    // What is not there keeps no service from having ended well.
    notSafe = refusals.filter { !$0.isGone }.map(\.device)
  }
}

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

  /// How it is with the guardian, in a few words.
  var guardianStatus: String {
    guard let guardian else { return "off" }
    let restarts = guardian.restarts > 0 ? ", started again \(guardian.restarts) times" : ""
    return switch guardian.state {
    case .running(let pid): "running, pid \(pid)\(restarts)"
    case .lost: "lost, another one is being started\(restarts)"
    case .missing: "missing: \(GuardianProgram.name) is not installed"
    case .ended: "ended with the daemon"
    case .left(let pid): "goes on with what is not safe, pid \(pid)"
    }
  }

  // MARK: What refuses

  /// How long the end waits for outputs that refuse: with all else, well within the unit's `TimeoutStopSec=`.
  static let patience = Duration.seconds(3)

  /// Outputs that do not do what they were told, for `daemon.status`: why, and who goes on trying; nil for none.
  var notSafeStatus: Value? {
    let refusals = hardware.refusals
    guard !refusals.isEmpty else { return nil }
    let who = isStopping ? "the daemon ends, and tries again" : "the daemon tries again"
    return .map(Fields(refusals.map { ($0.device.rawValue, .string("\($0.why); \(who)")) }))
  }

  /// The outputs are as they are to be, but for those that refuse: these are left to the guardian, and it is said who
  /// sees to each.
  func leave(_ refusals: [Hardware.Refusal]) {
    let kept = refusals.map(\.device).filter { guardian?.keeps($0) ?? false }
    guardian?.end(leaving: kept)
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

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
    }
  }
}

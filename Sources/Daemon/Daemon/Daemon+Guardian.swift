import EventLoop
import GuardianClient
import HAL
import Linux
import Model

extension Daemon {
  /// The guardian of a board's outputs.
  /// - Returns: nil when the settings turn it off. By default a simulated board has none, because its outputs end with
  ///   the daemon.
  /// - Throws: its program is not installed, or the socket's name is too long.
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

  /// The name of a guardian's socket is 13 bytes longer. A long path does not matter: it is reached through its open
  /// folder.
  private static let longestSocketName = 64

  /// The state of the guardian in a few words, for `daemon.status`.
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

  /// Turns the loop until the guardian runs, for one attempt at most.
  /// - Returns: why it does not run; nil when it runs, none is wanted, or the daemon was told to end.
  func awaitGuardian() -> String? {
    guard let guardian else { return nil }
    var isOver = false
    // One complete attempt.
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
}

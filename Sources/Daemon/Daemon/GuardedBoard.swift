import EventLoop
import GuardianClient
import HAL
import Linux
import Model
import Orchestrator

/// A board: its backend, the gate in front of it, and the guardian of its outputs.
struct GuardedBoard {
  /// nil where the board has none.
  let guardian: GuardianLink?
  let backend: BoardBackend
  /// Not open yet.
  let hardware: Hardware
  private let loop: EventLoop

  /// The configured board.
  /// - Throws: what `guardian(_:loop:events:)` throws.
  init(_ configuration: Configuration, loop: EventLoop, events: EventLog) throws(StartFailure) {
    let guardian = try Self.guardian(configuration, loop: loop, events: events)
    self.init(configuration.board, guardian, loop: loop, events: events)
  }

  init(_ board: Board, _ guardian: GuardianLink?, loop: EventLoop, events: EventLog) {
    self.guardian = guardian
    self.loop = loop
    backend = BoardBackend(board, loop: loop, guardian: guardian)
    hardware = Hardware(board: board, backend: backend, clock: loop, events: events)
  }

  /// The guardian of a board's outputs.
  /// - Returns: nil when the settings turn it off. By default a simulated board has none, because its outputs end with
  ///   the daemon.
  /// - Throws: its program is not installed, the socket's name is too long, or there is no memory to share.
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

  /// Turns the loop until the guardian runs, for one attempt at most.
  /// - Parameter isCancelled: asked before each turn of the loop; true ends the wait at once.
  /// - Returns: why it does not run; nil when it runs, none is wanted, or the wait was cancelled.
  func awaitGuardian(isCancelled: () -> Bool) -> String? {
    guard let guardian else { return nil }
    var isOver = false
    // One complete attempt.
    let timer = loop.schedule(after: GuardianLink.patience + .milliseconds(500)) { isOver = true }
    defer { loop.cancel(timer) }
    while !isOver, !isCancelled() {
      if case .running = guardian.state { return nil }
      loop.turn(wait: true)
    }
    if isCancelled() { return nil }
    return "its guardian cannot be started: \(guardian.problem ?? "nobody knows why"); 'guardian: false' in "
      + "openstarry.yaml does without, and then nobody makes the outputs safe should the daemon be killed"
  }
}

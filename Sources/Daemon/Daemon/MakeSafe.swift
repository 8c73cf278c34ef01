import Cgroup
import Control
import EventLoop
import GuardianClient
import HAL
import Journal
import Linux
import Model
import Orchestrator
import Systemd

/// `openstarryd --make-safe`: systemd runs it after the daemon's end (ExecStopPost=), in case both daemon and guardian
/// were killed. It has no state: the board file declares the safe levels.
enum MakeSafe {
  /// Makes every output safe, and leaves a guardian running that keeps them safe until the next daemon takes over.
  ///
  /// Does nothing after a clean end or a refused start (`SERVICE_RESULT` and `EXIT_STATUS`, systemd.exec(5)), while a
  /// daemon has the socket, while a guardian is at work, and on a simulated board.
  /// - Throws: exit code 74 with the outputs that are not safe, including those that a guardian still retries.
  static func run(_ arguments: Arguments, environment: [String: String], journal: Journal) throws(StartFailure) {
    MemoryKill(environment)?.note(kills: (try? ControlGroup.ofThisProcess().memory())?.kills ?? 0)
    if environment["SERVICE_RESULT"] == "success" { return }
    if let code = environment["EXIT_STATUS"], ["64", "75", "78"].contains(code) { return }
    let configuration = try Configuration(arguments, environment: environment, journal: journal)
    let (settings, board) = (configuration.settings, configuration.board)
    guard board.backend == .linux else { return }
    guard !ControlServer.isClaimed(settings.socket) else {
      return journal.log(.notice, "a daemon is running: nothing to do")
    }
    switch GuardianLink.heir(beside: settings.socket) {
    case .guardian(let failed):
      // Leave these outputs to that guardian: a second one would compete with it for the lines.
      for output in failed {
        let who = output.isTriedAgain ? "its guardian tries again" : "it must be reopened: start the daemon"
        journal.log(.error, "NOT SAFE: \(output.device): \(output.why); \(who)")
      }
      guard failed.isEmpty else { throw .notSafe(failed.map(\.device)) }
      return journal.log(.notice, "the guardian has made the outputs safe: nothing to do")
    case .daemon: return journal.log(.notice, "the daemon and its guardian are running: nothing to do")
    case .nobody: break
    }
    // The daemon ended in order with outputs that refused, and its guardian has made them safe since.
    if environment["EXIT_STATUS"] == "74" { return }
    let failed: [DeviceID]
    do throws(SystemError) {
      try Files.makeFolder(Files.folder(of: settings.socket))
      failed = try drive(configuration, journal)
    } catch {
      throw .unavailable("\(error)")
    }
    journal.log(.warning, "daemon and guardian had gone: every output is told to be safe")
    if !failed.isEmpty { throw .notSafe(failed) }
  }

  /// Drives every output to its safe level.
  /// - Returns: the outputs that have not confirmed it within two seconds.
  private static func drive(_ configuration: Configuration, _ journal: Journal) throws(SystemError) -> [DeviceID] {
    var board = configuration.board
    board.devices = board.devices.filter { if case .actuator = $0.kind { true } else { false } }
    let loop = try EventLoop()
    let log = EventLog(on: loop, capacity: 64, depthLimit: 16)
    // Outputs are made safe even where no guardian can be started.
    let guardian = try? GuardedBoard.guardian(configuration, loop: loop, events: log)
    let hardware = GuardedBoard(board, guardian, loop: loop, events: log).hardware
    guardian?.start()
    hardware.open()
    guardian?.charge()
    var isOver = false
    loop.schedule(after: .seconds(2)) { isOver = true }
    while !isOver && !hardware.unsafeActuators.isEmpty { loop.turn(wait: true) }
    let failed = hardware.unsafeActuators
    for id in failed {
      let why = hardware.refusals.first { $0.device == id }.map { "\($0.why)" } ?? "'\(id)' has not answered"
      let who = guardian?.keeps(id) ?? false ? "a guardian tries again" : "nobody tries again: start the daemon"
      journal.log(.error, "NOT SAFE: \(why); \(who)")
    }
    // Exit without an orderly end: the guardian then keeps the lines as they are now, as after a crash.
    return failed
  }
}

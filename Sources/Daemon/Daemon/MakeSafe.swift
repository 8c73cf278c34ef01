import Control
import EventLoop
import GuardianClient
import HAL
import Journal
import Linux
import Model
import Orchestrator
import Systemd

/// `openstarryd --make-safe`: what systemd runs after the daemon has ended (ExecStopPost=), in case that daemon and
/// guardian were both killed. It keeps no state: the board file says what safe is.
enum MakeSafe {
  /// Makes every output safe, and leaves a guardian behind that keeps them so until the next daemon asks for them.
  ///
  /// Does nothing after an orderly end or a start that was refused, which systemd tells (`SERVICE_RESULT`,
  /// `EXIT_STATUS`, systemd.exec(5)), while a daemon has the socket, while a guardian does its work, and on a simulated
  /// board.
  /// - Throws: exit code 74 with the outputs that are not safe, its own or those that a guardian is still at.
  static func run(_ arguments: Arguments, environment: [String: String], journal: Journal) throws(StartFailure) {
    MemoryKill(environment)?.note()
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
      // What another guardian is at is left to it: two would only be in each other's way.
      for output in failed {
        let who = output.isTriedAgain ? "its guardian tries again" : "it has to be opened anew: start the daemon"
        journal.log(.error, "NOT SAFE: \(output.device): \(output.why); \(who)")
      }
      guard failed.isEmpty else { throw .notSafe(failed.map(\.device)) }
      return journal.log(.notice, "the guardian has seen to the outputs: nothing to do")
    case .daemon: return journal.log(.notice, "a guardian is there, and its daemon lives: nothing to do")
    case .nobody: break
    }
    // The daemon has ended in order, and its guardian has made safe what had refused.
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

  /// - Returns: the outputs that have not confirmed within two seconds.
  private static func drive(_ configuration: Configuration, _ journal: Journal) throws(SystemError) -> [DeviceID] {
    var board = configuration.board
    board.devices = board.devices.filter { if case .actuator = $0.kind { true } else { false } }
    let loop = try EventLoop()
    let log = EventLog(clock: loop, capacity: 64, depthLimit: 16, later: { loop.later($0) })
    let guardian = try? Zone.guardian(configuration, loop: loop, events: log)
    let backend = BoardBackend(board, loop: loop, guardian: guardian)
    let hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
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
    // No orderly end: the guardian takes this for a death, and keeps the lines as they are now.
    return failed
  }
}

import CLinux
import Control
import EventLoop
import GuardianClient
import HAL
import Linux
import Model
import Orchestrator

/// `openstarryd --make-safe`: what systemd runs after the daemon has ended (ExecStopPost=), in case that daemon and
/// guardian were both killed. It keeps no state: the board file says what safe is.
enum MakeSafe {
  /// Makes every output safe, and leaves a guardian behind that keeps them so until the next daemon asks for them.
  ///
  /// Does nothing after an orderly end or a start that was refused, which systemd tells (`SERVICE_RESULT`,
  /// `EXIT_STATUS`, systemd.exec(5)), while a daemon has the socket, while a guardian does its work, and on a simulated
  /// board.
  static func run(_ arguments: Arguments, environment: [String: String], journal: Journal) throws(StartFailure) {
    if environment["SERVICE_RESULT"] == "success" { return }
    if let code = environment["EXIT_STATUS"], ["64", "75", "78"].contains(code) { return }
    let configuration = try Configuration(arguments, environment: environment, journal: journal)
    let (settings, board) = (configuration.settings, configuration.board)
    guard board.backend == .linux else { return }
    guard !ControlServer.isClaimed(settings.socket) else {
      return journal.log(.notice, "a daemon is running: nothing to do")
    }
    guard !GuardianLink.isThere(beside: settings.socket) else {
      return journal.log(.notice, "the guardian has seen to the outputs: nothing to do")
    }
    let failed: [String]
    do throws(SystemError) {
      try Files.makeFolder(Files.folder(of: settings.socket))
      failed = try drive(configuration)
    } catch {
      throw .unavailable("\(error)")
    }
    journal.log(.warning, "daemon and guardian had gone: every output is told to be safe")
    if !failed.isEmpty { throw .unavailable("not safe, or not there: \(failed.joined(separator: ", "))") }
  }

  /// - Returns: the outputs that have not confirmed within two seconds.
  private static func drive(_ configuration: Configuration) throws(SystemError) -> [String] {
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
    // No orderly end: the guardian takes this for a death, and keeps the lines as they are now.
    return hardware.unsafeActuators.map(\.rawValue)
  }
}

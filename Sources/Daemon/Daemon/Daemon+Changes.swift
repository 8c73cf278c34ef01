import HAL
import Linux
import Model
import Orchestrator

extension Daemon {
  /// Has `max_rate` count over restarts, in a file beside the control socket. Call it after the socket is open, so that
  /// this is the only daemon, and before the hardware is.
  ///
  /// systemd puts that folder into memory (tmpfs). On a disk nothing is kept: the file is written for each change.
  func keepChanges() {
    guard !DaemonCore.rates(configuration.board).isEmpty else { return }
    let socket = configuration.settings.socket
    guard Files.isInMemory(Files.folder(of: socket)) else {
      let level: LogLevel = configuration.board.backend == .linux ? .notice : .debug
      return journal.log(
        level,
        "'max_rate' is counted from each start of the daemon: \(Files.folder(of: socket)), where the socket is, is on a disk; "
          + "with 'socket:' below /run it is counted over restarts")
    }
    let journal = self.journal
    func tell(_ error: SystemError) {
      journal.log(.warning, "'max_rate' will be counted from the next start only: \(error)")
    }
    do throws(SystemError) { try core.keepChanges(in: "\(socket).changes", onProblem: tell) } catch { tell(error) }
  }
}

import HAL
import Linux
import Model
import Orchestrator

extension Zone {
  /// Has `max_rate` count over restarts, beside the control socket; before the hardware is opened, by the only daemon.
  ///
  /// That folder is memory (tmpfs) where systemd makes it. Elsewhere nothing is kept: a disk is not written to for each
  /// change.
  func keepChanges() {
    let actuators = configuration.board.devices.compactMap { device -> (id: DeviceID, rate: Rate)? in
      guard case .actuator(let settings) = device.kind, let rate = settings.maxRate else { return nil }
      return (device.id, rate)
    }
    let socket = configuration.settings.socket
    guard !actuators.isEmpty else { return }
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
    do throws(SystemError) {
      hardware.changeKeeper = try ChangeFile(
        "\(socket).changes", boot: registry.boot, actuators: actuators, onProblem: tell)
    } catch {
      tell(error)
    }
  }
}

import EventLoop
import HAL
import HALLinux
import HALSimulated
import Model

/// The backend of a board: the real one, or the simulated one. A simulated board leaves `procfs` devices to the real one,
/// because every machine has them.
final class BoardBackend: Backend {
  private let linux: LinuxBackend
  /// The simulation behind a simulated board; nil on a real one.
  let simulated: SimulatedBackend?

  init(_ board: Board, loop: EventLoop, guardian: (any OutputGuardian)?) {
    let linux = LinuxBackend(board: board, loop: loop, guardian: guardian)
    self.linux = linux
    simulated =
      board.backend == .simulated
      ? SimulatedBackend(board: board, clock: loop, seed: 1, encoder: linux.encoder.encode) : nil
  }

  func open(_ device: Device) throws(HALError) -> OpenDevice {
    guard let simulated, device.driver == "simulated" else { return try linux.open(device) }
    return try simulated.open(device)
  }

  func close() {
    simulated?.close()
    linux.close()
  }
}

import EventLoop
import GuardianClient
import HAL
import Model
import Orchestrator

/// A board: its backend, the gate in front of it, and the guardian of its outputs.
struct GuardedBoard {
  /// nil where the board has none.
  let guardian: GuardianLink?
  let backend: BoardBackend
  /// Not open yet.
  let hardware: Hardware

  init(_ board: Board, _ guardian: GuardianLink?, loop: EventLoop, events: EventLog) {
    self.guardian = guardian
    backend = BoardBackend(board, loop: loop, guardian: guardian)
    hardware = Hardware(board: board, backend: backend, clock: loop, events: events)
  }
}

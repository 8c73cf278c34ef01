import EventLoop
import Linux
import Model
import Orchestrator

// The wall clock and the time zone, as the system has them.
extension Zone {
  /// What speaks for the clock of this board.
  ///
  /// That a daemon of this boot has trusted it is kept beside the control socket, where that folder is memory (tmpfs):
  /// a disk is not written to for it.
  static func clockEvidence(_ socket: String, loop: EventLoop, boot: String) -> BoardClock.Evidence {
    let mark = Files.isInMemory(Files.folder(of: socket)) && !boot.isEmpty ? "\(socket).clock" : nil
    let marked = mark.flatMap { try? Files.read($0) }.map { String(decoding: $0, as: UTF8.self) == boot } ?? false
    return BoardClock.Evidence(
      wasTrusted: marked || System.wallWasSynchronised(),
      agreesWithChip: { ClockChip.agrees(with: loop.wallMilliseconds / 1000) },
      remember: {
        // Without it the next daemon waits for the clock anew.
        if let mark, !marked { try? Files.replace(mark, with: Array(boot.utf8)) }
      })
  }

  /// Notices another time zone while the daemon runs.
  func followTimeZone() {
    do throws(SystemError) {
      try loop.watchFile(LocalTime.zoneFile) { [unowned self] in
        LocalTime.reload()
        rules.zoneChanged()
      }
    } catch {
      journal.log(.warning, "another time zone is noticed only at the next start: \(error)")
    }
  }

  /// How it is with the clock, for `daemon.status`.
  var clockStatus: Value {
    ["synchronised": .bool(loop.wallIsSynchronised), "trusted": .bool(rules.boardClock.isTrusted)]
  }
}

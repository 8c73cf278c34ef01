import EventLoop
import Linux
import Model
import Orchestrator

// The system's wall clock and time zone.
extension Daemon {
  /// Evidence that this board's wall clock is right.
  ///
  /// A file beside the control socket notes that a daemon has trusted the clock since this boot. It is only written where
  /// that folder is in memory (tmpfs), to spare the disk.
  static func clockEvidence(_ socket: String, loop: EventLoop, boot: String) -> BoardClock.Evidence {
    let mark = Files.isInMemory(Files.folder(of: socket)) && !boot.isEmpty ? "\(socket).clock" : nil
    let marked = mark.flatMap { try? Files.read($0) }.map { String(decoding: $0, as: UTF8.self) == boot } ?? false
    return BoardClock.Evidence(
      wasTrusted: marked || System.wallWasSynchronised(),
      agreesWithChip: { ClockChip.agrees(with: loop.wallMilliseconds / 1000) },
      remember: {
        // If this fails, the next daemon waits for the clock again.
        if let mark, !marked { try? Files.replace(mark, with: Array(boot.utf8)) }
      })
  }

  /// Applies a change of the time zone while the daemon runs.
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

  /// The state of the clock, for `daemon.status`.
  var clockStatus: Value {
    ["synchronised": .bool(loop.wallIsSynchronised), "trusted": .bool(rules.boardClock.isTrusted)]
  }
}

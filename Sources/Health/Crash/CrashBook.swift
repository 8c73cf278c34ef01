import Agent
import CLinux
import Document
import EventLoop
import Linux
import Model
import Watchdog

/// The history of the daemon's ends: the crash record of the last run, and the stored strikes.
///
/// The record is in the runtime folder, which is in memory. Strikes are stored there and in the home folder: one copy
/// survives a full or broken disk, the other a reboot; the newer copy counts. They are written only when an agent has
/// ended the daemon, is quarantined or is released.
package final class CrashBook: QuarantineStore {
  /// This run's record; nil when it cannot be made.
  package let record: CrashRecord?
  /// How the last run ended; nil if unknown.
  package private(set) var last: Verdict?
  /// Messages for the operator about problems with the files.
  package private(set) var notices: [String] = []
  /// The strikes and quarantines of agents.
  package private(set) var strikes = Strikes()
  /// Called after each write of a later change, with its problems, a sentence each; empty for success.
  package var onKept: ([String]) -> Void = { _ in }

  private let clock: any Timekeeper
  private let boot: String
  private let files: [String]
  private let writer: any JobQueue<Void>

  /// Attempts to lock the record, and the pause between them in nanoseconds: a killed daemon holds the lock until the
  /// kernel has cleaned it up.
  private static let patience = (tries: 100, pause: UInt64(5_000_000))

  /// Opens the record, reads the strikes, and notes how the last run ended. Blocks for at most half a second while
  /// another process has the record.
  /// - Parameters:
  ///   - runtime: systemd's `RUNTIME_DIRECTORY`; nil for none, and then the record is in `home`.
  ///   - home: the home folder.
  ///   - loop: the loop for the worker that writes later changes.
  ///   - boot: the id of this boot.
  ///   - wasReset: whether the hardware watchdog has reset the board.
  ///   - forMemory: whether the kernel has killed a process of the service for lack of memory.
  ///   - wait: blocks for so many nanoseconds.
  package init(
    runtime: String?, home: String, loop: any Loop, boot: String = System.bootID(), wasReset: Bool,
    forMemory: Bool = false, wait: (UInt64) -> Void = { Pause.wait(nanoseconds: $0) }
  ) {
    clock = loop
    self.boot = boot
    files = ([runtime, home].compactMap { $0 }).map { "\($0)/strikes.json" }
    writer = loop.worker("strikes") {}
    do throws(SystemError) {
      record = try Self.open("\(runtime ?? home)/crash.record", boot, loop, wait)
    } catch {
      record = nil
      // A second daemon does not get here, as the control socket refuses it earlier.
      notices.append(
        error.errno == EWOULDBLOCK
          ? "no crash record: another process has it; the cause of a crash will be unknown"
          : "no crash record: \(error)")
    }
    if let notice = record?.notice { notices.append(notice) }
    last = record?.previous.map { Verdict.on($0, boot: boot, forMemory: forMemory) }
    for file in files { read(file) }
    // Without the record's lock, the strikes may belong to another daemon: do not change them.
    guard record != nil else { return }
    let before = strikes.quarantined
    var isChanged = last.map { strikes.note($0, at: now) } ?? false
    if let agent = last?.blamed, before[agent] == nil {
      last?.quarantine = strikes.quarantined[agent]?.failure.message
    }
    if wasReset, strikes.noteReset(at: now) { isChanged = true }
    // Write at once, before anything else can end the daemon again.
    if isChanged {
      strikes.revision += 1
      notices += Self.write(strikes, to: files)
    }
  }

  private static func open(
    _ path: String, _ boot: String, _ loop: any Loop, _ wait: (UInt64) -> Void
  ) throws(SystemError) -> CrashRecord {
    for _ in 1..<patience.tries {
      do throws(SystemError) { return try CrashRecord(path, boot: boot, now: loop.now) } catch {
        guard error.errno == EWOULDBLOCK else { throw error }
      }
      wait(patience.pause)
    }
    return try CrashRecord(path, boot: boot, now: loop.now)
  }

  /// Whether the daemon has ended uncleanly too often lately.
  package var isBootLoop: Bool { strikes.isBootLoop(at: now) }

  /// How often the agent has ended the daemon within `Strikes.window`.
  package func count(_ agent: AgentID) -> Int { strikes.count(agent, at: now) }

  // MARK: QuarantineStore

  /// Why an agent is quarantined: it has ended the daemon or failed too often; nil when it may run.
  package func quarantine(of agent: AgentID) -> AgentFailure? { strikes.quarantined[agent]?.failure }

  /// Quarantines an agent that was restarted too often.
  package func quarantine(_ agent: AgentID, for failure: AgentFailure) {
    if record != nil, strikes.quarantine(agent, for: failure) { keep() }
  }

  /// Ends an agent's quarantine and forgets its strikes.
  package func release(_ agent: AgentID) { if strikes.release(agent) { keep() } }

  /// Forgets the unclean ends, because a person leaves safe mode.
  /// - Parameter done: called when the change is on the disk, or could not be written.
  package func forgiveEnds(_ done: @escaping () -> Void = {}) {
    strikes.forgiveEnds()
    keep(done)
  }

  private var now: Strikes.Moment {
    Strikes.Moment(boot: boot, instant: clock.now, wall: clock.wallMilliseconds)
  }

  /// Stores the strikes on the worker, as the disk may be slow.
  private func keep(_ done: @escaping () -> Void = {}) {
    strikes.revision += 1
    let (strikes, files) = (self.strikes, self.files)
    writer.submit(
      { _ in Self.write(strikes, to: files) },
      then: { [weak self] problems in
        self?.onKept(problems)
        done()
      })
  }

  private func read(_ file: String) {
    guard Files.exists(file) else { return }
    guard let bytes = try? Files.read(file, limit: 1 << 20), let value = try? JSON.parse(bytes, file: file).value,
      let kept = Strikes(value)
    else {
      notices.append("\(file) is damaged and is ignored")
      return
    }
    strikes.take(kept)
  }

  /// - Returns: the problems, a sentence each.
  private static func write(_ strikes: Strikes, to files: [String]) -> [String] {
    files.compactMap { file in
      do throws(SystemError) {
        try Files.replace(file, with: JSON.encode(strikes.value), mode: 0o600)
        return nil
      } catch {
        return "strikes cannot be stored: \(error)"
      }
    }
  }
}

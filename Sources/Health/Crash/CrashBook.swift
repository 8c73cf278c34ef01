import Agent
import CLinux
import Document
import EventLoop
import Linux
import Model
import Watchdog

/// What is known of the daemon's earlier ends: the crash record of the last run, and the strikes that are kept.
///
/// The record lives in the runtime folder, which is memory. Strikes are kept there and in the home folder: one survives
/// a full or broken disk, the other a reboot; what was written last counts. They are written only when somebody has
/// ended the daemon, is quarantined or let out.
public final class CrashBook: QuarantineKeeper {
  /// This run's record; nil where none can be made.
  public let record: CrashRecord?
  /// How the last run ended; nil when nothing is known of it.
  public let last: Verdict?
  /// What people should know about the files, as they were found.
  public private(set) var notices: [String] = []
  /// Who has ended the daemon, and when.
  public private(set) var strikes = Strikes()
  /// Called when a change that a person has made was written, with what went wrong, a sentence each.
  public var onKept: ([String]) -> Void = { _ in }

  private let clock: any Timekeeper
  private let boot: String
  private let files: [String]
  private let writer: any Jobs<Void>

  /// How often it is tried to get a record that another process has, and how long is waited in between, in nanoseconds: a
  /// daemon that was killed has it until the kernel has taken it apart.
  private static let patience = (tries: 100, pause: UInt64(5_000_000))

  /// Opens the record, reads what was kept, and notes how the last run ended. Waits half a second at most for another
  /// process that has the record.
  /// - Parameters:
  ///   - runtime: systemd's `RUNTIME_DIRECTORY`; nil where there is none, then `home` has the record, too.
  ///   - boot: the id of this boot.
  ///   - wasReset: whether the hardware's watchdog has reset the board.
  ///   - forMemory: whether the kernel is known to have killed a process of the service for want of memory.
  ///   - wait: waits so many nanoseconds.
  public init(
    runtime: String?, home: String, loop: any Loop, boot: String = LoopClock.boot, wasReset: Bool,
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
      // A second daemon never says this: the control socket ends it before.
      notices.append(
        error.errno == EWOULDBLOCK
          ? "no crash record: another process has it; who ends this daemon will not be known"
          : "no crash record: \(error)")
    }
    if let notice = record?.notice { notices.append(notice) }
    last = record?.previous.map { Verdict.on($0, boot: boot, forMemory: forMemory) }
    for file in files { read(file) }
    // Whoever has no record does not own what is kept either.
    guard record != nil else { return }
    var isChanged = last.map { strikes.note($0, at: now) } ?? false
    if wasReset, strikes.noteReset(at: now) { isChanged = true }
    // Before anything else can end the daemon again.
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

  /// Whether the daemon has ended too often.
  public var isBootLoop: Bool { strikes.isBootLoop(at: now) }

  /// How often the agent has ended the daemon lately.
  public func count(_ agent: AgentID) -> Int { strikes.count(agent, at: now) }

  // MARK: QuarantineKeeper

  /// Why an agent is not run, for having ended the daemon or for having failed too often; nil when it may run.
  public func quarantine(of agent: AgentID) -> AgentFailure? { strikes.quarantined[agent]?.failure }

  /// An agent was started again too often: it is not run from now on.
  public func quarantine(_ agent: AgentID, for failure: AgentFailure) {
    if record != nil, strikes.quarantine(agent, for: failure) { keep() }
  }

  /// A person lets an agent out: nothing is held against it any more.
  public func release(_ agent: AgentID) { if strikes.release(agent) { keep() } }

  /// A person leaves safe mode.
  /// - Parameter done: called when that is kept for the next start, or could not be.
  public func forgiveEnds(_ done: @escaping () -> Void = {}) {
    strikes.forgiveEnds()
    keep(done)
  }

  private var now: Strikes.Moment {
    Strikes.Moment(boot: boot, instant: clock.now, wall: clock.wallMilliseconds)
  }

  /// The disk may be slow: it is not the loop that waits for it.
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
    guard Files.isFile(file) else { return }
    guard let bytes = try? Files.read(file, limit: 1 << 20), let value = try? JSON.parse(bytes, file: file).value,
      let kept = Strikes(value)
    else {
      notices.append("\(file) makes no sense and is not used")
      return
    }
    strikes.take(kept)
  }

  /// - Returns: what went wrong, a sentence each.
  private static func write(_ strikes: Strikes, to files: [String]) -> [String] {
    files.compactMap { file in
      do throws(SystemError) {
        try Files.replace(file, with: JSON.encode(strikes.value), mode: 0o600)
        return nil
      } catch {
        return "strikes are not kept: \(error)"
      }
    }
  }
}

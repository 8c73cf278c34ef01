import CCrash
import CLinux
import Glibc
import Linux
import Model
import Watchdog

/// The daemon's present activity, in a mapped file that outlives the process. After a crash it shows the agent whose
/// code was running.
///
/// Writes are plain stores into a shared mapping (mmap(2), MAP_SHARED), without system calls. The record survives the
/// process, but not a power cut. Use it on the loop's thread only; the signal handler writes too, but then the process
/// ends.
///
/// SAFETY: `fields` points into the mapping, which lives as long as the object.
@safe package final class CrashRecord {
  /// The record of the previous run; nil when there was none or it is damaged.
  package let previous: PastRun?
  /// Why the previous record was ignored; nil when it was used or there was none.
  package let notice: String?

  private let fields: UnsafeMutablePointer<openstarry_crash_record>
  /// Kept open for its lock (flock(2)), which allows only one writer.
  private let file: Descriptor

  /// Opens a record, reads the previous run, and starts a new one.
  /// - Parameters:
  ///   - path: the file; created if missing. In /run it causes no flash writes.
  ///   - boot: the id of this boot.
  ///   - now: the start of this run.
  /// - Throws: EWOULDBLOCK when another process has the record; any error of creating it.
  package init(_ path: String, boot: String, now: Instant) throws(SystemError) {
    let file = try Files.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("lock", path) }
    var left: [UInt8] = []
    while let count = try System.read(file.number, into: &left, limit: 4096), count > 0, left.count <= 4096 {}
    (previous, notice) = Self.judge(left, path)
    let size = MemoryLayout<openstarry_crash_record>.size
    guard ftruncate(file.number, size) == 0 else { throw SystemError("resize", path) }
    // Allocate now: on a full file system, a store into the mapping would end the process (SIGBUS, mmap(2)).
    let problem = posix_fallocate(file.number, 0, size)
    guard problem == 0 else { throw SystemError("make room for", path, errno: problem) }
    let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else { throw SystemError("mmap", path) }
    // SAFETY: the mapping is page-aligned, has the size of the structure, and lives until deinit.
    unsafe fields = address.bindMemory(to: openstarry_crash_record.self, capacity: 1)
    self.file = file
    unsafe fields.initialize(to: openstarry_crash_record())
    unsafe Self.write(boot, to: &fields.pointee.boot)
    unsafe fields.pointee.pid = UInt64(getpid())
    unsafe fields.pointee.started = now.nanoseconds
    unsafe fields.pointee.stage = PastRun.Stage.starting.rawValue
    unsafe fields.pointee.magic = Self.magic
    unsafe fields.pointee.sum = Self.sum(UnsafeRawBufferPointer(start: fields, count: size))
  }

  deinit {
    openstarry_crash_forget()
    unsafe munmap(fields, MemoryLayout<openstarry_crash_record>.size)
  }

  /// Installs handlers that record fatal signals; on the calling thread also when its stack has overflowed.
  package func catchSignals() throws(SystemError) {
    // SAFETY: `fields` is mapped until deinit, which first removes it from the handlers.
    guard unsafe openstarry_crash_catch(fields) == 0 else { throw SystemError("sigaction") }
  }

  /// Records the stage of the run.
  package func enter(_ stage: PastRun.Stage) { unsafe fields.pointee.stage = stage.rawValue }

  /// Records that an agent's code is about to run on the loop, until `end`. Do not nest calls.
  package func begin(_ phase: PastRun.Phase, _ agent: AgentID, event: Event?, at now: Instant) {
    unsafe Self.write(agent.rawValue, to: &fields.pointee.agent)
    unsafe Self.write(event?.type ?? "", to: &fields.pointee.event)
    unsafe fields.pointee.event_high = event?.id.high ?? 0
    unsafe fields.pointee.event_low = event?.id.low ?? 0
    unsafe fields.pointee.phase_began = now.nanoseconds
    unsafe fields.pointee.phase = phase.rawValue
  }

  /// Records that the agent's code has returned.
  package func end() { unsafe fields.pointee.phase = 0 }

  /// Records a turn of the loop.
  /// - Parameters:
  ///   - now: the time of the turn.
  ///   - cpu: the CPU time of the loop's thread so far.
  ///   - delay: the time for which the loop's thread has waited for a CPU so far.
  package func beat(at now: Instant, cpu: Duration, delay: Duration) {
    unsafe fields.pointee.beat_cpu = UInt64(clamping: cpu.nanoseconds)
    unsafe fields.pointee.beat_delay = UInt64(clamping: delay.nanoseconds)
    unsafe fields.pointee.beat = now.nanoseconds
  }

  /// Copies a text into an array of the structure, cut to fit and terminated by a zero byte.
  private static func write<Room>(_ text: String, to room: inout Room) {
    // SAFETY: `Room` is an array of char, and the copy leaves at least one byte for the zero.
    unsafe withUnsafeMutableBytes(of: &room) { target in
      let copied: Int? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
        let fitting = unsafe UnsafeRawBufferPointer(bytes).prefix(target.count - 1)
        unsafe target.copyBytes(from: fitting)
        return unsafe fitting.count
      }
      unsafe target[copied ?? 0] = 0
    }
  }
}

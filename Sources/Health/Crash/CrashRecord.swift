import CCrash
import CLinux
import Glibc
import Linux
import Model
import Watchdog

/// What the daemon is doing, in a mapped file that outlives the process: who must be asked when it has died.
///
/// Writing is plain stores into memory that the kernel keeps (mmap(2), MAP_SHARED): no system call, nothing to wait
/// for. It survives the process, not a power cut. Loop thread only; the signal handler writes, too, and then the
/// process ends.
///
/// SAFETY: `fields` points into the mapping, which lives as long as the object.
@safe public final class CrashRecord {
  /// What the run before has left; nil when there was none, or its record makes no sense.
  public let previous: PastRun?
  /// Why the earlier record was not used; nil when it was, or there was none.
  public let notice: String?

  private let fields: UnsafeMutablePointer<openstarry_crash_record>
  /// Open as long as the process lives: its lock (flock(2)) says that somebody writes here.
  private let file: Descriptor

  /// Opens a record, reads what the run before has left, and begins anew.
  /// - Parameters:
  ///   - path: of the file; made if it is not there. In memory (/run) it costs no flash.
  ///   - boot: the boot's id.
  /// - Throws: EWOULDBLOCK when another process holds it; what keeps it from being made.
  public init(_ path: String, boot: String, now: Instant) throws(SystemError) {
    let file = try System.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
    guard Files.isFile(path) else { throw SystemError("open crash record", path, errno: EINVAL) }
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("lock", path) }
    var left: [UInt8] = []
    while let count = try System.read(file.number, into: &left, limit: 4096), count > 0, left.count <= 4096 {}
    (previous, notice) = Self.judge(left, path)
    let size = MemoryLayout<openstarry_crash_record>.size
    guard ftruncate(file.number, size) == 0 else { throw SystemError("resize", path) }
    // Where the file system has no room, a store into the mapping would end the process (SIGBUS, mmap(2)).
    let problem = posix_fallocate(file.number, 0, size)
    guard problem == 0 else { throw SystemError("make room for", path, errno: problem) }
    let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else { throw SystemError("mmap", path) }
    // SAFETY: the mapping is page-aligned, as large as the structure, and stays until deinit.
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

  /// From now on signals that end the process are noted; on the calling thread also when its stack is full.
  public func catchSignals() throws(SystemError) {
    // SAFETY: `fields` is mapped until deinit, which takes it back.
    guard unsafe openstarry_crash_catch(fields) == 0 else { throw SystemError("sigaction") }
  }

  /// The program has come so far.
  public func enter(_ stage: PastRun.Stage) { unsafe fields.pointee.stage = stage.rawValue }

  /// An agent's code is about to run on the loop, until `end`. Not to be nested.
  public func begin(_ phase: PastRun.Phase, _ agent: AgentID, event: Event?, at now: Instant) {
    unsafe Self.write(agent.rawValue, to: &fields.pointee.agent)
    unsafe Self.write(event?.type ?? "", to: &fields.pointee.event)
    unsafe fields.pointee.event_high = event?.id.high ?? 0
    unsafe fields.pointee.event_low = event?.id.low ?? 0
    unsafe fields.pointee.phase_began = now.nanoseconds
    unsafe fields.pointee.phase = phase.rawValue
  }

  /// The agent's code has returned.
  public func end() { unsafe fields.pointee.phase = 0 }

  /// The loop turns.
  /// - Parameters:
  ///   - cpu: CPU time of its thread so far.
  ///   - delay: how long its thread has waited for a CPU so far.
  public func beat(at now: Instant, cpu: Duration, delay: Duration) {
    unsafe fields.pointee.beat_cpu = UInt64(clamping: cpu.nanoseconds)
    unsafe fields.pointee.beat_delay = UInt64(clamping: delay.nanoseconds)
    unsafe fields.pointee.beat = now.nanoseconds
  }

  /// Copies a text into an array of the structure, cut to fit, with a zero byte behind it.
  private static func write<Room>(_ text: String, to room: inout Room) {
    // SAFETY: `Room` is an array of char; the copy stays a byte short of its end.
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

import CCrash
import Crash
import Glibc
import Linux
import Model

/// Writes into the crash record of a daemon that has died what its signal handler would have written, at the times of
/// the run.
enum CrashScene {
  /// The kernel ends it for what its own code did.
  static func crashed(_ record: String, at now: Instant) {
    change(record) { fields in
      fields.signal = UInt32(SIGSEGV)
      // SEGV_MAPERR (sigaction(2)).
      fields.code = 1
      fields.on_loop = 1
      fields.time = now.nanoseconds
    }
  }

  /// The service manager ends it for not answering, having used the processor since its last beat.
  static func aborted(_ record: String, at now: Instant) {
    change(record) { fields in
      fields.signal = UInt32(SIGABRT)
      fields.sender = 1
      fields.on_loop = 1
      fields.time = now.nanoseconds
      fields.cpu = fields.beat_cpu + (now.nanoseconds - fields.beat)
    }
  }

  private static func change(_ path: String, _ change: (inout openstarry_crash_record) -> Void) {
    guard var bytes = try? Files.read(path), bytes.count == MemoryLayout<openstarry_crash_record>.size else { return }
    var fields = openstarry_crash_record()
    // SAFETY: a structure of numbers and chars of that size: any bytes are a value of it.
    unsafe withUnsafeMutableBytes(of: &fields) { unsafe $0.copyBytes(from: bytes) }
    change(&fields)
    // SAFETY: as above; the structure is copied as it is.
    bytes = unsafe withUnsafeBytes(of: fields) { unsafe Array($0) }
    guard let file = try? System.open(path, O_WRONLY) else { return }
    try? System.writeAll(file.number, bytes)
  }
}

import CCrash
import Crash
import Glibc
import Linux
import Model

/// Writes into a dead daemon's crash record the fields that its signal handler would have written, with simulated time.
enum CrashScene {
  /// The daemon's own code caused SIGSEGV.
  static func crashed(_ record: String, at now: Instant) {
    change(record) { fields in
      fields.signal = UInt32(SIGSEGV)
      // SEGV_MAPERR (sigaction(2)).
      fields.code = 1
      fields.on_loop = 1
      fields.time = now.nanoseconds
    }
  }

  /// The service manager sent SIGABRT because the daemon did not answer, although it used CPU time since its last beat.
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
    // SAFETY: a structure of numbers and chars with that size: any bytes are a valid value.
    unsafe withUnsafeMutableBytes(of: &fields) { unsafe $0.copyBytes(from: bytes) }
    change(&fields)
    // SAFETY: the structure is copied as bytes.
    bytes = unsafe withUnsafeBytes(of: fields) { unsafe Array($0) }
    guard let file = try? System.open(path, O_WRONLY) else { return }
    try? System.writeAll(file.number, bytes)
  }
}

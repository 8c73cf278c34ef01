import CCrash
import CLinux
import Glibc
import Linux
import Model
import Watchdog

// Nothing in a record is trusted: another program may have written it, or a power cut may have damaged it.
extension CrashRecord {
  /// "OSTCRSH1".
  static let magic: UInt64 = 0x3148_5352_4354_534F

  /// Parses a record; empty and zeroed records give neither a run nor a notice.
  static func judge(_ bytes: [UInt8], _ path: String) -> (run: PastRun?, notice: String?) {
    if bytes.isEmpty || bytes.allSatisfy({ $0 == 0 }) { return (nil, nil) }
    if let run = read(bytes) { return (run, nil) }
    return (nil, "\(path) is damaged: how the last run ended is unknown")
  }

  /// Parses a record.
  /// - Returns: nil unless the record is complete and every field is valid.
  static func read(_ bytes: [UInt8]) -> PastRun? {
    guard bytes.count == MemoryLayout<openstarry_crash_record>.size else { return nil }
    var fields = openstarry_crash_record()
    // SAFETY: the structure has only numbers and chars, so any bytes of its size are a valid value.
    unsafe withUnsafeMutableBytes(of: &fields) { unsafe $0.copyBytes(from: bytes) }
    guard fields.magic == magic, unsafe bytes.withUnsafeBytes({ unsafe sum($0) }) == fields.sum,
      let stage = PastRun.Stage(rawValue: fields.stage), let boot = text(fields.boot),
      let pid = Int32(exactly: fields.pid), pid > 0
    else { return nil }
    var run = PastRun(boot: boot, pid: pid, started: Instant(nanoseconds: fields.started), stage: stage)
    if fields.phase != 0 {
      guard let phase = PastRun.Phase(rawValue: fields.phase), let agent = text(fields.agent).map({ AgentID($0) }),
        agent.isWellFormed, let type = text(fields.event)
      else { return nil }
      let event = ULID(high: fields.event_high, low: fields.event_low)
      run.activity = PastRun.Activity(
        phase: phase, agent: agent, event: phase == .activation ? event : nil, type: type,
        began: Instant(nanoseconds: fields.phase_began))
    }
    if fields.beat != 0 {
      run.beat = PastRun.Beat(
        time: Instant(nanoseconds: fields.beat), cpu: nanoseconds(fields.beat_cpu),
        delay: nanoseconds(fields.beat_delay))
    }
    if fields.signal != 0 {
      guard (1...64).contains(fields.signal), let object = text(fields.object), let schedule = text(fields.schedule)
      else { return nil }
      let offset = fields.instruction &- fields.object_base
      run.fault = PastRun.Fault(
        signal: Int32(fields.signal), code: fields.code, sender: fields.sender, onLoop: fields.on_loop != 0,
        address: fields.address, object: object, offset: offset, symbol: symbol(at: offset, in: object),
        time: Instant(nanoseconds: fields.time), cpu: nanoseconds(fields.cpu), delay: waited(schedule))
    }
    return run
  }

  /// The FNV-1a hash of the constant fields: all before `sum`.
  static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let end = MemoryLayout<openstarry_crash_record>.offset(of: \openstarry_crash_record.sum) ?? 0
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<end { unsafe hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3 }
    return hash
  }

  /// The second number of /proc/PID/schedstat: time on a run queue (Documentation/scheduler/sched-stats.rst).
  /// - Returns: nil when the text has another format.
  package static func waited(_ schedule: String) -> Duration? {
    let words = schedule.split { $0 == " " || $0 == "\n" }
    guard words.count == 3, let waited = UInt64(words[1]) else { return nil }
    return nanoseconds(waited)
  }

  private static func nanoseconds(_ count: UInt64) -> Duration { .nanoseconds(Int64(clamping: count)) }

  /// The text in an array of chars; nil when it is not terminated or not UTF-8.
  private static func text<Chars>(_ chars: Chars) -> String? {
    // SAFETY: reads only the bytes of the value itself.
    unsafe withUnsafeBytes(of: chars) { bytes in
      guard let end = unsafe bytes.firstIndex(of: 0) else { return nil }
      return unsafe String(validating: bytes[..<end], as: UTF8.self)
    }
  }

  /// The name of the function at `offset` (dladdr(3)); nil unless this process has loaded the same object, with
  /// symbols.
  private static func symbol(at offset: UInt64, in object: String) -> String? {
    guard let address = base(of: object).map({ $0 &+ offset }) else { return nil }
    var begin: UInt64 = 0
    // SAFETY: the loaded object owns the text, which is copied at once.
    guard let name = unsafe openstarry_symbol(address, &begin), begin <= address else { return nil }
    return unsafe "\(String(cString: name))+0x\(String(address - begin, radix: 16))"
  }

  /// The address at which this process has loaded `object`; nil when it has not.
  private static func base(of object: String) -> UInt64? {
    guard object.hasPrefix("/"), let maps = try? Files.read("/proc/self/maps") else { return nil }
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") where line.hasSuffix(" \(object)") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      guard words.count >= 6, words[2].allSatisfy({ $0 == "0" }) else { continue }
      return words[0].split(separator: "-").first.flatMap { UInt64($0, radix: 16) }
    }
    return nil
  }
}

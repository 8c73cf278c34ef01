import CLinux
import Glibc
import Linux
import Model
import TestKit
import Testing
import Watchdog

@testable import Crash

/// The mapped record: it is read back as written, and a damaged one is ignored.
@Suite struct CrashRecordTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var path: String { "\(folder.path)/crash.record" }

  private func open(_ boot: String = "b1") throws -> CrashRecord {
    try CrashRecord(path, boot: boot, now: Instant(nanoseconds: 42))
  }

  /// The record of a run that makes these calls and then dies.
  private func left(_ live: (CrashRecord) -> Void) throws -> (run: PastRun?, bytes: [UInt8]) {
    do { live(try open()) }
    let bytes = try Files.read(path)
    return (CrashRecord.read(bytes), bytes)
  }

  @Test func aRunIsReadBackAsWritten() throws {
    let event = Event(id: ULID(high: 7, low: 8), type: "sensor:temperature")
    let run = try left { record in
      #expect(record.previous == nil && record.notice == nil)
      record.enter(.serving)
      record.beat(at: Instant(nanoseconds: 99), cpu: .nanoseconds(5), delay: .nanoseconds(6))
      record.begin(.activation, "climate", event: event, at: Instant(nanoseconds: 100))
    }.run
    #expect(
      run
        == PastRun(
          boot: "b1", pid: getpid(), started: Instant(nanoseconds: 42), stage: .serving,
          activity: PastRun.Activity(
            phase: .activation, agent: "climate", event: event.id, type: event.type,
            began: Instant(nanoseconds: 100)),
          beat: PastRun.Beat(time: Instant(nanoseconds: 99), cpu: .nanoseconds(5), delay: .nanoseconds(6))))
    let next = try open("b2")
    #expect(next.previous == run && next.notice == nil)
    // The next run has started a new record.
    #expect(CrashRecord.read(try Files.read(path))?.activity == nil)
  }

  @Test func codeThatHasReturnedIsNotRunning() throws {
    let run = try left { record in
      record.begin(.start, "climate", event: nil, at: Instant(nanoseconds: 100))
      record.end()
      record.enter(.ended)
    }.run
    #expect(run?.stage == .ended && run?.activity == nil)
  }

  @Test func longNamesAreCutToFit() throws {
    let long = AgentID(String(repeating: "a", count: 64))
    let type = "x:" + String(repeating: "y", count: 126)
    let run = try left { record in
      record.begin(.activation, "short", event: nil, at: Instant(nanoseconds: 1))
      record.begin(.activation, long, event: Event(id: ULID(high: 1, low: 1), type: type), at: Instant(nanoseconds: 1))
    }.run
    #expect(run?.activity?.agent == long)
    #expect(run?.activity.map { type.hasPrefix($0.type) && $0.type.utf8.count == 71 } == true)
  }

  @Test func twoProcessesCannotShareARecord() throws {
    let first = try open()
    first.enter(.serving)
    #expect(throws: SystemError.self) { try open() }
    #expect(CrashRecord.read(try Files.read(path))?.stage == .serving, "the first one's record is untouched")
  }

  @Test func onlyARegularFileIsUsed() throws {
    #expect(unsafe path.withCString { unsafe mkfifo($0, 0o600) } == 0)
    #expect(throws: SystemError.self) { try open() }
    Files.remove(path)
    #expect(unsafe "/dev/null".withCString { null in unsafe path.withCString { unsafe symlink(null, $0) } } == 0)
    #expect(throws: SystemError.self) { try open() }
  }

  @Test(arguments: [[], [0], [UInt8](repeating: 0, count: 600), [UInt8](repeating: 0x41, count: 9000)])
  func filesOfOtherSizesAreReplaced(_ bytes: [UInt8]) throws {
    try Files.replace(path, with: bytes)
    let record = try open()
    #expect(record.previous == nil)
    #expect((record.notice != nil) == bytes.contains { $0 != 0 })
    #expect(CrashRecord.read(try Files.read(path)) != nil)
  }

  /// A record crosses a trust boundary: another program, or a power cut in the middle, may have written it.
  @Test func damageIsDetectedAndNeverTraps() throws {
    var whole = try left { record in
      record.enter(.serving)
      record.begin(
        .activation, "climate", event: Event(id: ULID(high: 7, low: 8), type: "x:y"), at: Instant(nanoseconds: 100))
      record.beat(at: Instant(nanoseconds: 99), cpu: .nanoseconds(5), delay: .nanoseconds(6))
    }.bytes
    var random = SeededGenerator(4711)
    var usable = 0
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        bytes[index] = Bool.random(using: &random) ? UInt8.random(in: 0...255, using: &random) : 0xFF
      }
      if Int.random(in: 0..<10, using: &random) == 0 {
        bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
      }
      guard let run = CrashRecord.read(bytes) else { continue }
      usable += 1
      #expect(run.activity?.agent.isWellFormed ?? true)
      #expect(!Verdict.on(run, boot: "b1").sentence.isEmpty)
    }
    #expect(usable > 0, "damage where nothing is said must not cost the rest")
    // The hash covers the constant fields: a change of any bit must be detected.
    for index in 0..<72 {
      whole[index] ^= 1
      #expect(CrashRecord.read(whole) == nil, "byte \(index)")
      whole[index] ^= 1
    }
  }

  @Test func theTimeOnTheRunQueueIsParsed() {
    #expect(CrashRecord.waited("123 456 7\n") == .nanoseconds(456))
    for text in ["", "1 2", "1 x 3", "1 -2 3", "1 2 3 4"] { #expect(CrashRecord.waited(text) == nil, "\(text)") }
    let clock = LoopClock()
    let before = clock.cpu
    var sum = 0
    while clock.cpu == before { sum &+= 1 }
    #expect(clock.cpu > before)
  }
}

import Agent
import EventLoop
import Linux
import Model
import TestKit
import Testing
import Watchdog

@testable import Crash

/// Strikes and quarantines across daemons that die and disks that refuse writes.
@Suite struct CrashBookTests {
  private let folder: TemporaryFolder
  private let loop: EventLoop
  private var runtime: String { "\(folder.path)/run" }
  private var home: String { "\(folder.path)/home" }

  init() throws {
    folder = try TemporaryFolder()
    loop = try EventLoop()
    for folder in [runtime, home] { try Files.makeFolder(folder) }
  }

  private func book(_ boot: String = "b1", wasReset: Bool = false) -> CrashBook {
    CrashBook(runtime: runtime, home: home, loop: loop, boot: boot, wasReset: wasReset)
  }

  /// Starts a daemon and kills it while the agent's code runs.
  private func struck(_ boot: String = "b1") throws {
    let record = try #require(book(boot).record)
    record.begin(.activation, "climate", event: nil, at: loop.now)
  }

  private func kept(_ book: CrashBook, _ change: (CrashBook) -> Void) -> [String] {
    var problems: [String]?
    book.onKept = { problems = $0 }
    change(book)
    while true {
      if let problems { return problems }
      loop.turn(wait: true)
    }
  }

  @Test func threeStrikesQuarantine() throws {
    for number in 0..<3 {
      do {
        let book = book()
        #expect(book.strikes.quarantined.isEmpty && book.last?.quarantine == nil, "after \(number)")
      }
      try struck()
    }
    let book = book()
    #expect(book.quarantine(of: "climate")?.reason == .killed)
    #expect(book.count("climate") == 3)
    #expect(book.last?.quarantine == book.quarantine(of: "climate")?.message)
  }

  @Test func aReleaseHoldsWhenTheDiskRefusesIt() throws {
    for _ in 0..<3 { try struck() }
    do {
      let book = book()
      // A folder with the name of the temporary file makes writes to the home folder fail.
      try Files.makeFolder("\(home)/strikes.json.new/x")
      let problems = kept(book) { $0.release("climate") }
      #expect(problems.count == 1 && problems[0].hasPrefix("strikes cannot be stored: "))
    }
    let next = book()
    #expect(next.strikes.quarantined.isEmpty, "the home folder's copy is older")
    #expect(next.count("climate") == 0)
  }

  @Test func aQuarantineSurvivesAReboot() throws {
    for _ in 0..<3 { try struck() }
    _ = book()
    #expect(book().last?.quarantine == nil, "it is not new")
    // The runtime folder is in memory and lost at a reboot.
    for name in try Files.names(in: runtime) { Files.remove("\(runtime)/\(name)") }
    #expect(book("b2").quarantine(of: "climate")?.reason == .killed)
  }

  @Test func aQuarantineLastsUntilAPersonEndsIt() throws {
    let failure = AgentFailure(.error, "it was restarted 5 time(s) within 10m; last: no such table")
    #expect(kept(book()) { $0.quarantine("climate", for: failure) } == [])
    #expect(book().quarantine(of: "climate") == failure)
    for name in try Files.names(in: runtime) { Files.remove("\(runtime)/\(name)") }
    let next = book("b2")
    #expect(next.quarantine(of: "climate") == failure && next.quarantine(of: "door") == nil)
    #expect(kept(next) { $0.release("climate") } == [])
    #expect(book("b2").quarantine(of: "climate") == nil)
  }

  /// A killed daemon holds the record's lock until the kernel has cleaned it up.
  @Test func theRecordOfADyingDaemonIsWaitedFor() throws {
    try struck()
    var other: CrashRecord? = try CrashRecord("\(runtime)/crash.record", boot: "b1", now: loop.now)
    other?.begin(.activation, "climate", event: nil, at: loop.now)
    var waits = 0
    let next = CrashBook(runtime: runtime, home: home, loop: loop, boot: "b1", wasReset: false) { pause in
      #expect(pause > 0)
      waits += 1
      if waits == 3 { other = nil }
    }
    #expect(waits == 3)
    #expect(next.record != nil && next.notices.isEmpty, "\(next.notices)")
    #expect(next.last?.blamed == "climate")
  }

  @Test func aMissingRecordIsReported() throws {
    let other = book()
    var waited: UInt64 = 0
    let next = CrashBook(runtime: runtime, home: home, loop: loop, boot: "b1", wasReset: false) { waited += $0 }
    #expect(next.record == nil && other.record != nil)
    #expect(waited > 100_000_000 && waited <= 500_000_000)
    #expect(next.notices.count == 1 && next.notices[0].hasPrefix("no crash record: another process has it"))
  }

  /// The hardware reports a reset by its watchdog until the next boot.
  @Test func aResetCountsOnce() throws {
    for _ in 0..<6 {
      let book = book(wasReset: true)
      book.record?.enter(.ended)
      #expect(book.strikes.unclean.count == 1 && !book.isBootLoop)
    }
    #expect(book("b2", wasReset: true).strikes.unclean.count == 2)
  }

  @Test func fiveUncleanEndsAreABootLoopUntilForgiven() throws {
    // Each of these daemons is killed.
    for _ in 0..<5 { #expect(!book().isBootLoop) }
    do {
      let book = book()
      #expect(book.isBootLoop)
      #expect(kept(book) { $0.forgiveEnds() } == [])
    }
    #expect(!book().isBootLoop)
  }
}

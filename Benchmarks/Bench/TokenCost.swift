import EventLoop
import Linux
import Model
import Store
import Tokens

/// What the token ledger costs a call: an agent's account, its parent's and the board's, with the journal in memory and
/// the marks in a registry on the disk.
struct TokenCost {
  private struct Owner: StoreOwner {
    let folder: String
    private var store: Store?

    init(_ folder: String) { self.folder = folder }

    mutating func openStore() throws(StoreError) -> Store {
      if let store { return store }
      let opened = try Store(folder: folder)
      store = opened
      return opened
    }
  }

  private static let calls = 10_000

  /// - Parameter scratch: a folder on a disk.
  static func report(scratch: String) throws {
    Report.section("Token ledger: three accounts, five limits, \(calls) calls of up to 700 tokens")
    guard Files.isInMemory("/dev/shm") else {
      return Report.line("reserve and settle", "/dev/shm is not in memory here")
    }
    let run = "/dev/shm/openstarry-bench-tokens-\(System.monotonicNanoseconds())"
    defer {
      Files.remove("\(run)/journal")
      Files.removeFolder(run)
    }
    let loop = try EventLoop()
    var commits = 0
    let disk = "\(scratch)/tokens"
    let marks = StoreMarks(loop.worker("tokens") { Owner(disk) }) { commits += 1 }
    let ledger = TokenLedger(folder: run, boot: "bench", marks: marks, clock: loop)
    ledger.setLimits(try TokenLimits(tokens: ["1M/h", "1000M"]), of: "agent/bench")
    ledger.setLimits(try TokenLimits(tokens: ["2M/h"]), of: "agent/parent")
    ledger.setLimits(try TokenLimits(tokens: ["20M/d"], money: ["20/d"]), of: "board")
    var isOpen = false
    ledger.open { _ in isOpen = true }
    while !isOpen { loop.turn(wait: true) }
    let call = TokenCall(
      accounts: ["agent/bench", "agent/parent", "board"], tokens: 700, money: 90, agent: "bench", model: "m")
    let usage = TokenUsage(prompt: 60, completion: 20, money: 20)
    let written = DiskWrites.total()
    var (covered, uncovered): ([Double], [Double]) = ([], [])
    for _ in 0..<calls {
      let start = System.monotonicNanoseconds()
      var (admitted, waits): (TokenCallID?, Bool) = (nil, false)
      var refusal: TokenRefusal?
      ledger.reserve(call) { result in
        do throws(TokenRefusal) { admitted = try result.get() } catch { refusal = error }
      }
      while admitted == nil, refusal == nil {
        waits = true
        loop.turn(wait: true)
      }
      if let refusal { throw refusal }
      if let admitted { ledger.settle(admitted, usage) }
      let passed = Double(System.monotonicNanoseconds() - start) / 1000
      if waits { uncovered.append(passed) } else { covered.append(passed) }
    }
    Report.line("reserve and settle, covered by marks", SampleDistribution(covered).text("µs"))
    if !uncovered.isEmpty {
      Report.line("the same, with a commit", SampleDistribution(uncovered).text("µs"))
    }
    Report.line("commits in 1000 calls", SampleDistribution.round(Double(commits) * 1000 / Double(calls)))
    let journal = Double(ledger.journalBytes) / Double(calls)
    Report.line("bytes a call, journal (in memory)", SampleDistribution.round(journal), goal: "400")
    if let written, let after = DiskWrites.total(), after > written {
      Report.line("bytes a call, disk", SampleDistribution.round(Double(after - written) / Double(calls)), goal: "400")
    } else {
      Report.line("bytes a call, disk", "the kernel does not count them here")
    }
    var isClosed = false
    ledger.close { _ in isClosed = true }
    while !isClosed { loop.turn(wait: true) }
  }
}

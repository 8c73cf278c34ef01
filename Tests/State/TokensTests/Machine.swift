import EventLoop
import Linux
import Model
import Store
import TestKit

@testable import Tokens

/// The worker of the registry, as jobs that the test runs one by one.
final class StepQueue<State>: JobQueue {
  private var state: State
  /// Each job is two steps: the work, and its completion on the loop.
  private var steps: [() -> Void] = []
  /// Called after the work of a job, before its completion.
  var onWork: () -> Void = {}

  init(_ state: State) { self.state = state }

  func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
  ) {
    steps.append { [self] in
      let result = work(&state)
      onWork()
      steps.insert({ completion(result) }, at: 0)
    }
  }

  /// The number of steps that wait.
  var pending: Int { steps.count }

  /// Forgets all steps, as the end of the process does.
  func drop() { steps = [] }

  func step() { if !steps.isEmpty { steps.removeFirst()() } }

  func run() { while !steps.isEmpty { step() } }
}

/// The registry on the worker, and the faults of its disk.
struct Registry: StoreOwner {
  let folder: String
  let faults: Faults
  private var store: Store?

  init(folder: String, faults: Faults) {
    self.folder = folder
    self.faults = faults
  }

  /// Shared with the test; the jobs run on its thread.
  final class Faults: @unchecked Sendable {
    var failure: StoreError?
  }

  mutating func openStore() throws(StoreError) -> Store {
    if let failure = faults.failure { throw failure }
    if let store { return store }
    let opened = try Store(folder: folder)
    store = opened
    return opened
  }
}

/// Passes marks on, and notes what is on the disk.
final class WatchedMarks: TokenMarks {
  let marks: any TokenMarks
  /// The records that the disk has, as soon as it has them.
  var disk: [String: String] = [:]
  /// Commits that were asked for.
  var commits = 0
  /// The records of the commit under way.
  var submitted: [TokenRecord] = []

  init(_ marks: any TokenMarks) { self.marks = marks }

  func load(_ done: @escaping (Result<[TokenRecord], TokenStorageFailure>) -> Void) {
    marks.load { [self] result in
      if case .success(let records) = result { for record in records { disk[record.key] = record.text } }
      done(result)
    }
  }

  func commit(_ records: [TokenRecord], _ done: @escaping (Result<Void, TokenStorageFailure>) -> Void) {
    commits += 1
    submitted = records
    marks.commit(records) { [self] result in
      if case .success = result { for record in records { disk[record.key] = record.text } }
      done(result)
    }
  }
}

/// The files of a machine at one moment: the journal in memory, and the registry on the disk.
struct SavedFiles: Equatable {
  var journal: [UInt8]?
  var registry: [String: [UInt8]] = [:]
}

/// A daemon's ledger with a real journal and a real registry, in folders of its own.
final class Machine {
  let folder: TemporaryFolder
  let clock: ManualClock
  let faults = Registry.Faults()
  let queue: StepQueue<Registry>
  let marks: WatchedMarks
  let ledger: TokenLedger
  private(set) var notices: [TokenNotice] = []
  private(set) var warnings: [String] = []
  private(set) var problems: [String?] = []

  var run: String { "\(folder.path)/run" }
  var disk: String { "\(folder.path)/disk" }

  /// Starts a ledger on these files, and runs the disk until it is open.
  init(
    _ files: SavedFiles = SavedFiles(), boot: String = "boot-1", clock: ManualClock = ManualClock(),
    limits: [String: TokenLimits] = [:], opens: Bool = true
  ) throws {
    folder = try TemporaryFolder(in: Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp")
    self.clock = clock
    if let journal = files.journal { try folder.write("run/journal", journal) }
    for (name, bytes) in files.registry { try folder.write("disk/\(name)", bytes) }
    queue = StepQueue(Registry(folder: "\(folder.path)/disk", faults: faults))
    marks = WatchedMarks(StoreMarks(queue))
    ledger = TokenLedger(folder: "\(folder.path)/run", boot: boot, marks: marks, clock: clock)
    ledger.onNotice = { [unowned self] in notices.append($0) }
    ledger.onProblem = { [unowned self] in problems.append($0) }
    for (account, limit) in limits { ledger.setLimits(limit, of: account) }
    guard opens else { return }
    ledger.open { [unowned self] in warnings = $0 }
    queue.run()
  }

  deinit { queue.drop() }

  /// The files as a SIGKILL would leave them now.
  func files() throws -> SavedFiles {
    var files = SavedFiles()
    files.journal = try? folder.bytes("run/journal")
    for name in (try? Files.names(in: disk)) ?? [] { files.registry[name] = try folder.bytes("disk/\(name)") }
    return files
  }

  /// Reserves, and lets the disk work until there is an answer.
  func reserve(_ call: TokenCall) -> Result<TokenCallID, TokenRefusal>? {
    var answer: Result<TokenCallID, TokenRefusal>?
    ledger.reserve(call) { answer = $0 }
    queue.run()
    return answer
  }

  /// The number of a call that must be admitted.
  func admitted(_ call: TokenCall) throws -> TokenCallID {
    guard let answer = reserve(call) else { throw TokenStorageFailure("no answer") }
    return try answer.get()
  }

  func used(_ account: String) -> [Int64] { ledger.status(of: account).map(\.used) }

  func close() -> TokenStorageFailure?? {
    var answer: TokenStorageFailure??
    ledger.close { answer = .some($0) }
    queue.run()
    return answer
  }
}

extension TokenCall {
  /// A call of an agent that the board pays as well.
  static func of(_ tokens: Int64, money: Int64 = 0, agent: AgentID = "a", model: String = "m") -> TokenCall {
    TokenCall(accounts: ["agent/\(agent)", "board"], tokens: tokens, money: money, agent: agent, model: model)
  }
}

func limits(_ tokens: String..., money: [String] = []) throws -> TokenLimits {
  try TokenLimits(tokens: tokens, money: money)
}

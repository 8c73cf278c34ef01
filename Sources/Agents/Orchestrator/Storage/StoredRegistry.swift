import Document
import EventLoop
import Model
import Rules
import Store
import Tokens

/// The registry on the disk. Changes are collected for a moment and written together, on a worker thread.
///
/// A failed write is retried until it succeeds. Meanwhile the changes wait in memory, and the daemon continues.
package final class StoredRegistry: AgentRegistry {
  /// The contents at the start of the daemon.
  package struct Contents: Sendable {
    /// Agents that were registered at run time.
    package var agents: [StoredAgent] = []
    /// The durable values of every agent.
    package var states: [AgentID: Fields] = [:]
    /// The agents that may not run.
    package var disabled: Set<AgentID> = []
    /// When the cooldowns of rules began.
    package var cooldowns: [RuleID: RuleCooldown] = [:]
    /// How many pulses the inputs have counted; nil while it is not known, when no count may be stored.
    package var counts: [DeviceID: UInt64]?
    /// What survives a restart about rules.
    package var ruleMemories: [RuleID: RuleMemory] = [:]
    /// The variables of the rules.
    package var variables: [String: Value] = [:]
    /// What keeps the claims of rules off outputs.
    package var suspensions: [DeviceID: Value] = [:]
    /// What rules have told people, and nobody has removed.
    package var messages: [ULID: Value] = [:]
    /// Commands that wait for a person.
    package var approvals: [ULID: Value] = [:]
    /// Outputs that were switched without their effect, which nobody has acknowledged.
    package var noEffects: [DeviceID: Value] = [:]
    /// What outputs were held at; nil while it is not known, when none may be stored.
    package var held: [DeviceID: Value]?
    /// The ledger's last line about the daemon; nil before its first start.
    package var lastOfDaemon: LedgerEntry?
    /// Warnings for people: a file was restored or cannot be read.
    package var notices: [String] = []
  }

  /// The most changes that wait while the disk cannot be written.
  static let waitingLimit = 10_000

  private let loop: any Loop
  private let events: any EventSink
  private let worker: any JobQueue<StoreSlot>
  private var waiting = WaitingChanges()
  private var waiters: [(Result<Void, RegistryFailure>) -> Void] = []
  private var timer: (id: TimerID, due: Instant)?
  private var isWriting = false
  private var isClosed = false
  private var backoff = Backoff(first: .seconds(2), longest: .seconds(60))
  /// Why the disk cannot be written; nil while it can.
  package private(set) var problem: String?
  /// The kernel's id of this boot (/proc/sys/kernel/random/boot_id).
  package let boot: String
  /// Called with the contents when they could be read only after the timeout of `open`. Until then durable values are
  /// refused, because they would replace stored ones that the agents have not seen.
  package var onLate: (Contents) -> Void = { _ in }
  private(set) var isLate = false
  /// Called after each write with the bytes that the process has written since the last call.
  package var onWritten: (Int64) -> Void = { _ in }
  /// Whether changes should wait longer, so that fewer writes are needed.
  package var isThrifty: () -> Bool = { false }

  /// Names the folder; nothing is opened yet.
  /// - Parameter boot: the kernel's id of this boot; empty when unknown.
  package init(folder: String, loop: any Loop, events: any EventSink, boot: String = "") {
    self.boot = boot
    self.loop = loop
    self.events = events
    worker = loop.worker("registry") { StoreSlot(folder: folder) }
  }

  /// Opens the registry and reads all of it, turning the loop meanwhile.
  /// - Parameters:
  ///   - timeout: after this the daemon starts without the contents, and `onLate` gets them.
  ///   - isCancelled: asked after each turn of the loop; true ends the wait at once.
  /// - Returns: the contents; with a notice only, after the timeout; empty when the wait was cancelled.
  package func open(timeout: Duration, isCancelled: () -> Bool = { false }) -> Contents {
    var contents: Contents?
    worker.submit(
      { $0.contents() },
      then: { [self] found in
        contents = found
        guard isLate else { return }
        isLate = false
        onLate(found)
      })
    let deadline = loop.now + timeout
    let alarm = loop.schedule(at: deadline) {}
    while contents == nil && loop.now < deadline && !isCancelled() { loop.turn(wait: true) }
    loop.cancel(alarm)
    isLate = contents == nil
    if isLate, isCancelled() { return Contents() }
    return contents ?? Contents(notices: ["the registry did not open within \(timeout.text); going on without it"])
  }

  // MARK: AgentRegistry

  package func keep(_ changes: [RegistryChange]) throws(RegistryFailure) {
    // Refuse a change that can never be written: it would block all others of its transaction for ever.
    do throws(StoreError) {
      for change in changes { try StoreChange(change).check() }
    } catch {
      throw RegistryFailure(error.description, isOverLimit: true)
    }
    if isLate, changes.contains(where: { if case .state = $0 { true } else { false } }) {
      throw RegistryFailure("the disk is slow: what was kept before has not been read yet")
    }
    guard waiting.count(with: changes) <= Self.waitingLimit else {
      throw RegistryFailure("\(waiting.count) changes already wait for the disk")
    }
    for change in changes {
      if case .ledger(var entry) = change {
        entry.boot = boot
        waiting.add(.ledger(entry))
      } else {
        waiting.add(change)
      }
    }
    if backoff.failures == 0 { schedule(after: gatheringTime(changes)) }
  }

  /// How long to collect changes for one transaction. The ledger can wait longer, so that an agent in a restart loop
  /// does not wear out the disk.
  private func gatheringTime(_ changes: [RegistryChange]) -> Duration {
    if isThrifty() { return .seconds(10) }
    // What rules have done. All of one turn of the loop is one transaction.
    if changes.contains(where: \.isOfRule) { return .zero }
    let isLedger = changes.allSatisfy { if case .ledger(let entry) = $0 { entry.scope == .agent } else { false } }
    return isLedger ? .seconds(2) : .milliseconds(20)
  }

  /// The newest lines of the restart ledger, oldest first, including unwritten ones.
  /// - Parameters:
  ///   - agent: lines of one agent; nil for all lines, including those of daemon and board.
  ///   - done: called once, later.
  package func history(
    _ agent: AgentID?, last: Int, _ done: @escaping (Result<[LedgerEntry], RegistryFailure>) -> Void
  ) {
    // If the flush fails, answer with the lines on the disk.
    flush { [unowned self] _ in worker.submit({ $0.ledger(agent, last: last) }, then: { done($0) }) }
  }

  package func flush(_ done: @escaping (Result<Void, RegistryFailure>) -> Void) {
    waiters.append(done)
    schedule(after: .zero)
  }

  /// How long the end waits for a disk that has not answered since the start.
  private static let patience = Duration.seconds(5)

  /// Writes all waiting changes and closes the file. Gives up on a disk that has not answered since the start.
  /// - Parameter done: called once. Changes that could not be written are lost; that was reported.
  package func close(_ done: @escaping () -> Void) {
    var isDone = false
    let finish = {
      if !isDone { done() }
      isDone = true
    }
    let alarm = isLate ? loop.schedule(after: Self.patience, finish) : nil
    flush { [unowned self] _ in
      // No retry from here on: it would open the file again.
      isClosed = true
      worker.submit({ $0.close() }) { [self] in
        alarm.map(loop.cancel)
        finish()
      }
    }
  }

  /// The durable marks of the token ledger, in the same file. Their commits do not gather with other changes. Close the
  /// ledger before `close`.
  package var tokenMarks: any TokenMarks {
    StoreMarks(worker) { [weak self] in
      self?.worker.submit({ $0.written() }, then: { self?.onWritten($0) })
    }
  }

  private func schedule(after delay: Duration) {
    if isClosed { return }
    let due = loop.now + delay
    if let timer {
      guard due < timer.due else { return }
      loop.cancel(timer.id)
    }
    let id = loop.schedule(at: due) { [unowned self] in
      timer = nil
      write()
    }
    timer = (id, due)
  }

  private func write() {
    guard !isWriting else { return }
    let batch = waiting.take()
    let called = waiters
    waiters = []
    guard !batch.isEmpty else { return called.forEach { $0(.success(())) } }
    isWriting = true
    worker.submit(
      { ($0.apply(batch), $0.written()) },
      then: { [self] problem, written in
        finish(batch, called, problem)
        onWritten(written)
      })
  }

  private func finish(
    _ batch: [RegistryChange], _ called: [(Result<Void, RegistryFailure>) -> Void], _ problem: String?
  ) {
    isWriting = false
    guard let problem else {
      if backoff.failures > 0 { events.publish(SystemEvents.storageRecovered(), from: "system") }
      backoff.reset()
      self.problem = nil
      for waiter in called { waiter(.success(())) }
      if !waiting.isEmpty || !waiters.isEmpty { schedule(after: .zero) }
      return
    }
    waiting.putBack(batch)
    let wait = backoff.next()
    self.problem = problem
    for waiter in called { waiter(.failure(RegistryFailure(problem))) }
    if backoff.failures == 1 {
      events.publish(SystemEvents.storageFailed(error: problem, waiting: waiting.count), from: "system")
    }
    // Do not let waiting callers, such as the end of the daemon, wait for the back-off.
    schedule(after: waiters.isEmpty ? wait : .zero)
  }
}

/// The store on the worker's thread: open, or the reason why not.
struct StoreSlot {
  private let folder: String
  private var store: Store?
  private var problem: String?
  private var counted = DiskWrites.total() ?? 0

  init(folder: String) {
    self.folder = folder
    open()
  }

  private mutating func open() { _ = try? openStore() }

  func contents() -> StoredRegistry.Contents {
    guard let store = store ?? (try? Store(reading: folder)) else {
      return StoredRegistry.Contents(notices: ["the registry cannot be used: \(problem ?? "")"])
    }
    defer { store.releaseMemory() }
    do throws(StoreError) {
      return StoredRegistry.Contents(
        agents: try store.agents(), states: try store.states(),
        disabled: Set(try store.notes(beginning: StoreChange.disabledNote).map { AgentID($0.key) }),
        cooldowns: try cooldowns(store), counts: try counts(store), ruleMemories: try memories(store),
        variables: try variables(store), suspensions: try outputs(store, StoreChange.suspensionNote),
        messages: try values(store, beginning: StoreChange.messageNote),
        approvals: try values(store, beginning: StoreChange.approvalNote),
        noEffects: try outputs(store, StoreChange.noEffectNote),
        held: try outputs(store, StoreChange.heldNote),
        lastOfDaemon: try store.lastOfDaemon(),
        notices: store.notices + (problem.map { [$0] } ?? []))
    } catch {
      return StoredRegistry.Contents(notices: store.notices + ["the registry cannot be read: \(error)"])
    }
  }

  private func cooldowns(_ store: Store) throws(StoreError) -> [RuleID: RuleCooldown] {
    var cooldowns: [RuleID: RuleCooldown] = [:]
    for (rule, text) in try store.notes(beginning: StoreChange.cooldownNote) {
      cooldowns[RuleID(rule)] = RuleCooldown(text)
    }
    return cooldowns
  }

  private func counts(_ store: Store) throws(StoreError) -> [DeviceID: UInt64] {
    var counts: [DeviceID: UInt64] = [:]
    for (input, text) in try store.notes(beginning: StoreChange.countNote) { counts[DeviceID(input)] = UInt64(text) }
    return counts
  }

  private func memories(_ store: Store) throws(StoreError) -> [RuleID: RuleMemory] {
    var memories: [RuleID: RuleMemory] = [:]
    for (rule, text) in try store.notes(beginning: StoreChange.ruleNote) {
      memories[RuleID(rule)] = RuleMemory(text)
    }
    return memories
  }

  private func variables(_ store: Store) throws(StoreError) -> [String: Value] {
    var variables: [String: Value] = [:]
    for (name, text) in try store.notes(beginning: StoreChange.variableNote) {
      variables[name] = try? JSON.decode(Array(text.utf8)[...])
    }
    return variables
  }

  /// What is stored of outputs as JSON in notes with this prefix.
  private func outputs(_ store: Store, _ prefix: String) throws(StoreError) -> [DeviceID: Value] {
    var outputs: [DeviceID: Value] = [:]
    for (output, text) in try store.notes(beginning: prefix) {
      outputs[DeviceID(output)] = try? JSON.decode(Array(text.utf8)[...])
    }
    return outputs
  }

  /// What is stored by event id, as JSON.
  private func values(_ store: Store, beginning prefix: String) throws(StoreError) -> [ULID: Value] {
    var values: [ULID: Value] = [:]
    for (id, text) in try store.notes(beginning: prefix) {
      if let id = ULID(id) { values[id] = try? JSON.decode(Array(text.utf8)[...]) }
    }
    return values
  }

  /// - Returns: nil when everything is on the disk; otherwise the error in a sentence.
  mutating func apply(_ changes: [RegistryChange]) -> String? {
    if store == nil { open() }
    guard let store else { return problem }
    defer { store.releaseMemory() }
    do throws(StoreError) {
      try store.apply(changes.map(StoreChange.init))
      return nil
    } catch {
      return error.description
    }
  }

  /// How many bytes the process has written since the last call.
  mutating func written() -> Int64 {
    let total = DiskWrites.total() ?? counted
    defer { counted = total }
    return max(0, total - counted)
  }

  func ledger(_ agent: AgentID?, last: Int) -> Result<[LedgerEntry], RegistryFailure> {
    guard let store else { return .failure(RegistryFailure(problem ?? "it is not open")) }
    defer { store.releaseMemory() }
    do throws(StoreError) {
      return .success(try store.ledger(agent, last: last))
    } catch {
      return .failure(RegistryFailure(error.description))
    }
  }

  mutating func close() {
    store?.close()
    store = nil
  }
}

extension StoreSlot: StoreOwner {
  mutating func openStore() throws(StoreError) -> Store {
    if let store { return store }
    do throws(StoreError) {
      let opened = try Store(folder: folder)
      (store, problem) = (opened, nil)
      return opened
    } catch {
      problem = error.description
      throw error
    }
  }
}

extension StoreChange {
  /// The prefix of notes about cooldowns.
  static let cooldownNote = "cooldown."
  /// The prefix of notes about counting inputs. Their texts are numbers of pulses.
  static let countNote = "count."
  /// The prefix of notes about rules.
  static let ruleNote = "rule."
  /// The prefix of notes about variables of the rules. Their texts are JSON.
  static let variableNote = "variable."
  /// The prefix of notes about outputs that are kept from rules. Their texts are JSON.
  static let suspensionNote = "suspension."
  /// The prefix of notes about what outputs are held at. Their texts are JSON.
  static let heldNote = "held."
  /// The prefix of notes about outputs that were switched without their effect. Their texts are JSON.
  static let noEffectNote = "no-effect."
  /// The prefix of notes with messages of rules. Their texts are JSON.
  static let messageNote = "message."
  /// The prefix of notes with commands that wait for a person. Their texts are JSON.
  static let approvalNote = "approval."
  /// The prefix of notes about disabled agents. Their texts are empty.
  static let disabledNote = "disabled."

  init(_ change: RegistryChange) {
    self =
      switch change {
      case .agent(let manifest):
        .registerAgent(StoredAgent(id: manifest.id, manifest: manifest.document, file: manifest.file))
      case .removal(let id): .removeAgent(id)
      case .state(let agent, let key, let value): .setState(agent, key: key, value)
      case .enabled(let id, let isEnabled): .setNote("\(Self.disabledNote)\(id)", isEnabled ? nil : "")
      case .cooldown(let rule, let cooldown): .setNote("\(Self.cooldownNote)\(rule)", cooldown?.text)
      case .count(let input, let pulses): .setNote("\(Self.countNote)\(input)", "\(pulses)")
      case .rule(let rule, let memory): .setNote("\(Self.ruleNote)\(rule)", memory?.text)
      case .variable(let name, let value): .setNote("\(Self.variableNote)\(name)", JSON.text(value))
      case .suspension(let output, let suspension):
        .setNote("\(Self.suspensionNote)\(output)", suspension.map { JSON.text($0) })
      case .approval(let id, let approval): .setNote("\(Self.approvalNote)\(id)", approval.map { JSON.text($0) })
      case .held(let output, let held): .setNote("\(Self.heldNote)\(output)", held.map { JSON.text($0) })
      case .noEffect(let output, let found):
        .setNote("\(Self.noEffectNote)\(output)", found.map { JSON.text($0) })
      case .message(let id, let message): .setNote("\(Self.messageNote)\(id)", message.map { JSON.text($0) })
      case .ledger(let entry): .appendLedger(entry)
      }
  }
}

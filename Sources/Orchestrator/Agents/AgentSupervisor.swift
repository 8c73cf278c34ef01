import Agent
import HAL
import Model
import Watchdog

/// Keeps the registered agents: feeds each one's events through its lifecycle, and executes what the lifecycle says.
public final class AgentSupervisor {
  let clock: any Timekeeper
  let events: any EventSink
  let hardware: Hardware
  private let files: any FileReading
  private let model: (any ModelGateway)?
  private let registry: any AgentRegistry
  let drivers: [Manifest.Driver: any AgentDriver]
  private let logLines: Int
  let limits: BoardLimits
  let budgets: BudgetBook
  private var random: any RandomNumberGenerator
  var records: [AgentID: AgentRecord] = [:]
  /// How long an agent's start waits for the first readings of its sensors.
  static let firstReading = Duration.milliseconds(250)
  var isShutDown = false
  /// While it is set, as during an emergency stop, no activation begins; what waited when it was set is dropped, since
  /// nobody wants to act on it later. An activation that runs ends by itself.
  public var isPaused = false {
    didSet {
      guard isPaused else { return }
      for record in records.values { record.drop(record.queue.removeAll()) }
    }
  }

  /// Whether what waits for agents of the priority `background` is held back.
  var isThrottled = false
  /// How many deliveries have been taken out of agents' queues, handled or dropped.
  var taken: UInt64 = 0

  /// Remembers quarantines; nil where they end with the supervisor. Set before agents are adopted.
  public var quarantines: (any QuarantineKeeper)?
  private var subscribers = SubscriberIndex()
  private var followers: [(id: FollowID, agent: AgentID?, onLine: (LogLine) -> Void)] = []
  private var lastFollow: UInt64 = 0

  /// Makes a supervisor without agents.
  /// - Parameters:
  ///   - drivers: the isolation levels there are.
  ///   - registry: where registrations and agents' durable values are kept.
  ///   - logLines: how many log lines are kept for each agent.
  ///   - model: where agents' questions to models go.
  ///   - limits: what all agents together may use.
  ///   - random: spreads the times of restarts.
  public init(
    clock: any Timekeeper, events: any EventSink, hardware: Hardware, files: any FileReading,
    registry: any AgentRegistry, drivers: [any AgentDriver], logLines: Int,
    model: (any ModelGateway)? = nil, limits: BoardLimits = BoardLimits(),
    random: any RandomNumberGenerator = SystemRandomNumberGenerator()
  ) {
    self.limits = limits
    self.random = random
    budgets = BudgetBook(clock: clock)
    self.clock = clock
    self.events = events
    self.hardware = hardware
    self.files = files
    self.model = model
    self.registry = registry
    self.logLines = logLines
    self.drivers = Dictionary(uniqueKeysWithValues: drivers.map { ($0.kind, $0) })
    budgets.setBoard(limits.budget, disk: limits.disk)
    budgets.onStep = { [unowned self] in tell($0) }
  }

  // MARK: Registration

  /// Adds an agent or replaces its manifest, without writing to the registry. One that is in quarantine stays there.
  /// - Parameter state: its durable values.
  public func adopt(_ manifest: Manifest, state: Fields) throws(AgentControlError) {
    try check(manifest)
    forget(manifest.id)
    let (budget, lowered) = limits.cap(manifest.budget)
    var manifest = manifest
    // Drivers enforce some of it themselves.
    manifest.budget = budget
    let id = manifest.id
    let values = AgentState(state)
    let calls = AgentCalls(
      manifest, hardware: hardware, events: events, clock: clock, files: files, model: model,
      state: values, budgets: budgets, account: budgets.account(id),
      onLog: { [unowned self] level, message in log(id, level, message) },
      onState: { [unowned self] key, value throws(AgentError) in try keep(id, key, value) })
    let record = AgentRecord(
      manifest, calls: calls, state: values, account: budgets.account(id), logLines: logLines)
    record.standing = measure { sensor in
      manifest.subscribe.contains { $0.matches("sensor:\(sensor)") }
        // It is gone before a first reading could come.
        || manifest.runtime.lifecycle == .oneShot && manifest.permissions.mayRead(sensor: sensor.rawValue)
    }
    records[id] = record
    calls.onMemory = { [unowned self, weak record] bytes in
      if let record { hold(bytes, record) }
    }
    openAccount(record, lowered)
    subscribers.add(id, manifest.subscribe)
    if let failure = quarantines?.quarantine(of: id) { feed(record, .quarantine(failure), cause: nil) }
  }

  /// Whether `adopt` would take it.
  func check(_ manifest: Manifest) throws(AgentControlError) {
    if isShutDown { throw .cannotRun(manifest.id, "the daemon is ending") }
    if let record = records[manifest.id], record.isLive { throw .alreadyRunning(manifest.id) }
    guard let driver = drivers[manifest.runtime.driver] else {
      throw .cannotRun(manifest.id, "this daemon has no '\(manifest.runtime.driver.rawValue)' driver")
    }
    do { try driver.validate(manifest) } catch { throw .cannotRun(manifest.id, error.message) }
  }

  /// Starts the agents whose lifecycle is `always`.
  /// - Parameter only: of these; nil of all.
  public func startResident(_ only: [AgentID]? = nil) {
    for record in sorted where record.manifest.runtime.lifecycle == .always {
      if only?.contains(record.id) ?? true { feed(record, .spawn, cause: nil) }
    }
  }

  func forget(_ id: AgentID) {
    guard let record = records[id] else { return }
    for subscription in record.standing { hardware.unsubscribe(subscription) }
    budgets.give(.storage, record.state.bytes, from: record.account)
    records[id] = nil
    subscribers.remove(id)
  }

  var sorted: [AgentRecord] { records.values.sorted { $0.id < $1.id } }

  func record(_ id: AgentID) throws(AgentControlError) -> AgentRecord {
    guard let record = records[id] else {
      let known = records.keys.map(\.rawValue)
      throw .notFound(id, suggestion: Suggestion.closest(to: id.rawValue, in: known))
    }
    return record
  }

  func persist(_ changes: [RegistryChange]) throws(AgentControlError) {
    do { try registry.keep(changes) } catch { throw .storage(error.message) }
  }

  // MARK: Events

  /// Hands an event to the agents that subscribe to it.
  public func handle(_ event: Event) {
    for id in subscribers.subscribers(to: event.type) {
      // An agent that cannot take it says why in its own events, and counts it.
      try? deliver(event, to: id, cause: Cause(event), count: 1, firing: nil, nil)
    }
  }

  /// Hands an event to one agent, starting it if need be.
  /// - Parameters:
  ///   - cause: what led to it.
  ///   - count: how many events were folded into it.
  ///   - firing: the rule's firing that waits for it.
  ///   - done: called once, when it has been handled or dropped, unless this call throws; nil when nobody waits for it.
  func deliver(
    _ event: Event, to id: AgentID, cause: Cause, count: Int, firing: UInt64?, _ done: (() -> Void)?
  ) throws(AgentControlError) {
    let record = try record(id)
    do throws(AgentControlError) {
      try hand(
        Delivery(
          event: event, cause: cause, count: count, waiting: done.map { [(firing, $0)] } ?? [], isWanted: done == nil),
        to: record)
    } catch {
      record.dropped += UInt64(count)
      throw error
    }
    feed(record, .deliver, cause: cause)
  }

  private func hand(_ delivery: Delivery, to record: AgentRecord) throws(AgentControlError) {
    let id = record.id
    if isPaused { throw .paused(id) }
    if let reason = record.shedReason { throw .cannotRun(id, reason) }
    guard record.lifecycle.accepts else {
      switch record.lifecycle.state {
      case .quarantined: throw .quarantined(id, record.trouble)
      case .draining, .stopping: throw .draining(id)
      default: throw .notRunning(id)
      }
    }
    guard let refused = record.queue.add(delivery) else { return }
    events.publish(
      "agent:overloaded", from: "agent/\(id)", cause: refused.cause,
      ["event": .string(refused.event.type), "waiting": .int(Int64(record.queue.count))])
    if refused.event.id == delivery.event.id { throw .overloaded(id, queued: record.queue.count) }
    record.drop([refused])
  }

  /// Ends what a rule's earlier firing began: what waits for it is dropped, a running activation is let finish.
  func endFiring(_ firing: UInt64) {
    for record in records.values { record.drop(record.queue.remove(firing: firing)) }
  }

  // MARK: Lifecycle

  /// Feeds one event into an agent's lifecycle and executes what follows; events that this leads to wait their turn.
  func feed(_ record: AgentRecord, _ event: LifecycleEvent, cause: Cause?) {
    record.pending.append((event, cause))
    guard !record.isExecuting else { return }
    record.isExecuting = true
    defer { record.isExecuting = false }
    while !record.pending.isEmpty {
      let next = record.pending.removeFirst()
      let now = clock.now
      let effects = record.lifecycle.apply(
        next.event, at: now, queued: due(record, for: next.event), random: chance(for: next.event))
      for effect in effects { execute(effect, record, next.cause) }
    }
  }

  /// Spreads back-off times; only what may lead to one is worth a number.
  private func chance(for event: LifecycleEvent) -> Double {
    switch event {
    case .startFailed, .failed, .exited: Double.random(in: 0...1, using: &random)
    default: 0
    }
  }

  private func execute(_ effect: LifecycleEffect, _ record: AgentRecord, _ cause: Cause?) {
    switch effect {
    case .startInstance: start(record, cause)
    case .activate: activateNext(record)
    case .stopInstance(let now): stop(record, now: now, cause)
    case .scheduleBackoff(let delay):
      record.backoffTimer = clock.schedule(after: delay) { [unowned self] in
        feed(record, .backoffElapsed, cause: cause)
      }
    case .scheduleGrace(let delay):
      record.graceTimer = clock.schedule(after: delay) { [unowned self] in
        feed(record, .graceElapsed, cause: cause)
      }
    case .cancelTimers: cancelTimers(record)
    case .publish(let type, let payload):
      var payload = payload
      payload["agent"] = .string(record.id.rawValue)
      events.publish(type, from: "agent/\(record.id)", cause: cause, payload)
      keepInLedger(record, type, payload)
      if type == "agent:quarantined" { keepQuarantine(record, payload) }
    case .releaseHardware:
      for subscription in record.subscriptions { hardware.unsubscribe(subscription) }
      record.subscriptions = []
      if record.instance == nil { endUse(record) }
      hardware.releaseAll(holder: "agent/\(record.id)", cause: cause)
    case .clearQueue: record.drop(record.queue.removeAll())
    case .done:
      let waiting = record.onEnd
      record.onEnd = []
      for action in waiting { action() }
    }
  }

  private func cancelTimers(_ record: AgentRecord) {
    for timer in [record.backoffTimer, record.graceTimer] { timer.map(clock.cancel) }
    record.backoffTimer = nil
    record.graceTimer = nil
  }

  private func start(_ record: AgentRecord, _ cause: Cause?) {
    guard let driver = drivers[record.manifest.runtime.driver] else { return }
    record.generation += 1
    let generation = record.generation
    record.calls.cause = cause
    driver.start(record.manifest, host: record.calls) { [unowned self] result in
      switch result {
      case .success(let instance) where record.generation == generation:
        record.instance = instance
        record.started = clock.now
        // Sensors that the manifest names are measured while the agent runs, so that its reads never wait.
        record.subscriptions = measure { record.manifest.permissions.mayRead(sensor: $0.rawValue) }
        awaitReadings(record, generation) { [unowned self, unowned record] in feed(record, .started, cause: cause) }
      case .success(let instance): instance.stop(now: true) {}
      case .failure(let failure) where record.generation == generation:
        log(record.id, .error, failure.message)
        feed(record, .startFailed(failure), cause: cause)
      case .failure: break
      }
    }
  }

  /// Calls `done` when every sensor that the agent may read has been measured once, so that its first read has an
  /// answer; a sensor that does not answer holds it up for `firstReading` at most.
  private func awaitReadings(_ record: AgentRecord, _ generation: UInt64, _ done: @escaping () -> Void) {
    let everybody = Principal(name: "agent/\(record.id)", permissions: .all)
    let unread = record.subscriptions.map(\.device).filter {
      guard case .unavailable = readingError($0, everybody) else { return false }
      return true
    }
    guard !unread.isEmpty else { return done() }
    var missing = unread.count
    // Whoever waits for a sensor does not keep the gate, which keeps whoever waits.
    let finish = { [unowned self, weak record] in
      guard let record, missing > 0, record.generation == generation, record.readingTimer != nil else { return }
      missing = 0
      endReading(record)
      done()
    }
    record.readingTimer = clock.schedule(after: Self.firstReading, finish)
    for device in unread {
      hardware.getSensorData(device, as: everybody) { _ in
        if missing == 1 { finish() } else { missing -= 1 }
      }
    }
  }

  private func endReading(_ record: AgentRecord) {
    record.readingTimer.map(clock.cancel)
    record.readingTimer = nil
  }

  private func readingError(_ id: DeviceID, _ principal: Principal) -> HALError? {
    do throws(HALError) {
      _ = try hardware.latestReading(id, as: principal)
      return nil
    } catch {
      return error
    }
  }

  /// Has the board's sensors measured that are wanted.
  private func measure(_ isWanted: (DeviceID) -> Bool) -> [SubscriptionID] {
    hardware.board.devices.compactMap { device in
      guard case .sensor = device.kind, isWanted(device.id) else { return nil }
      return try? hardware.subscribe(device.id, every: nil, deadband: nil)
    }
  }

  private func activateNext(_ record: AgentRecord) {
    guard let instance = record.instance, let delivery = record.queue.next() else {
      // Everything that waited was dropped in between.
      feed(record, .completed, cause: nil)
      return
    }
    let generation = record.generation
    taken += 1
    record.allowance = max(0, record.allowance - 1)
    record.current = delivery
    record.lastEvent = (delivery.event.id, delivery.event.type)
    let activated = events.publish(
      "agent:activated", from: "agent/\(record.id)", cause: delivery.cause, priority: record.manifest.policy.priority,
      ["agent": .string(record.id.rawValue), "event": .string(delivery.event.type)])
    record.calls.cause = Cause(activated)
    instance.activate(delivery.delivered) { [unowned self] result in
      guard record.generation == generation, record.current != nil else { return }
      record.current = nil
      switch settle(record, instance.lastCost, result) {
      case .success:
        record.activations += 1
        record.calls.cause = nil
        feed(record, .completed, cause: Cause(activated))
      case .failure(let failure):
        record.failures += 1
        log(record.id, .error, failure.message)
        record.calls.cause = nil
        feed(record, .failed(failure), cause: Cause(activated))
      }
      delivery.finish()
    }
  }

  private func stop(_ record: AgentRecord, now: Bool, _ cause: Cause?) {
    endReading(record)
    guard let instance = record.instance else {
      feed(record, .exited(.killed), cause: cause)
      return
    }
    let generation = record.generation
    instance.stop(now: now) { [unowned self] in
      guard record.generation == generation else { return }
      record.instance = nil
      record.generation += 1
      record.current?.finish()
      record.current = nil
      feed(record, .exited(.killed), cause: cause)
    }
  }

  // MARK: Logs and state

  func log(_ id: AgentID, _ level: LogLevel, _ message: String) {
    guard let record = records[id] else { return }
    for text in message.split(whereSeparator: \.isNewline) {
      let line = LogLine(
        agent: id, time: clock.wallMilliseconds, level: level, message: String(text), event: record.calls.cause?.id)
      record.logs.append(line)
      for follower in followers where follower.agent == nil || follower.agent == id { follower.onLine(line) }
    }
  }

  /// Calls `onLine` for each new line of an agent's log, or of all logs, until `endFollow`.
  public func follow(_ agent: AgentID?, _ onLine: @escaping (LogLine) -> Void) -> FollowID {
    lastFollow += 1
    followers.append((FollowID(lastFollow), agent, onLine))
    return FollowID(lastFollow)
  }

  /// Ends following a log.
  public func endFollow(_ follow: FollowID) { followers.removeAll { $0.id == follow } }

  private func keep(_ id: AgentID, _ key: String, _ value: Value?) throws(AgentError) {
    guard let record = records[id] else { throw AgentError(.notFound, "agent '\(id)' is gone") }
    do { try registry.keep([.state(id, key: key, value)]) } catch {
      throw AgentError(.failed, "state '\(key)' cannot be kept: \(error.message)")
    }
    record.state.keep(key, value)
  }

  /// Gives agents the values that were kept for them, where these could not be read when they were adopted.
  public func restore(_ states: [AgentID: Fields]) {
    for (id, fields) in states {
      guard let record = records[id] else { continue }
      let before = record.state.bytes
      for (key, value) in fields where record.state.values[key] == nil { record.state.keep(key, value) }
      budgets.hold(.storage, record.state.bytes, before: before, for: record.account)
    }
  }

  /// An agent's durable values; empty when it has none.
  public func durableState(_ id: AgentID) -> Fields { records[id]?.state.values ?? [:] }

  /// An agent's own counters and state, as it last told them; asked anew where it answers at once.
  func lastSnapshot(_ id: AgentID) -> Value? {
    guard let record = records[id] else { return nil }
    record.instance?.snapshot { record.lastSnapshot = $0 }
    return record.lastSnapshot
  }
}

import Agent
import HAL
import Model
import Watchdog

/// What is done with an agent's calls that concern only itself.
protocol AgentCallsOwner: AnyObject {
  /// Adds a line to its log.
  /// - Parameter cause: the event that was being handled; nil for the current one.
  func log(_ level: LogLevel, _ message: String, cause: Cause?)
  /// Keeps a durable value.
  func keepState(_ key: String, _ value: Value?) throws(AgentError)
  /// Notes the instance's memory in bytes, if its driver reports it.
  func hold(_ bytes: Int64)
  /// Sets a timer.
  func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError)
  /// Cancels a timer.
  func cancelTimer(_ name: String)
  /// Whether no event can be delivered, as during an emergency stop.
  var isPaused: Bool { get }
  /// A model has answered a question that was asked without waiting. Not called while `isPaused`.
  func answered(_ answer: Questions.Answer)
  /// The chain of events that led to a device's last change.
  func causes(of device: String) -> [Event]
  /// What the agent may use.
  /// - Throws: the mind's guide cannot be read.
  func surroundings() throws(AgentError) -> Value
}

/// The calls of one agent. Each passes the permissions of its manifest, and has the current event as its cause.
final class AgentCalls: AgentHost, MemoryLimiter, UsageRecorder, RefusalStore {
  private let agent: AgentID
  private let priority: Priority
  private let principal: Principal
  private let hardware: Hardware
  private let events: any EventSink
  private let clock: any Timekeeper
  private let files: any FileReading
  private let model: (any ModelGateway)?
  private let cannotWait: String?
  private let mind: Mind?
  private let waitsForTokens: Bool
  private let state: AgentState
  /// Weak: it retains its calls.
  weak var owner: (any AgentCallsOwner)?
  private let budgets: BudgetBook
  private let account: BudgetAccount
  private var refusals = Refusals()
  private var questions = Questions()
  /// The calls of models for whose answers the agent waits.
  private var waiting: [CompletionID: (Result<ModelAnswer, AgentError>) -> Void] = [:]
  /// Why models are not asked any more: during this activation, or by this instance.
  private var hungUp: (why: String, isForGood: Bool)?
  /// Lines dropped since the last one that was kept.
  private var leftOut = 0

  /// What it imagines, if it is a shadow.
  var shadow: AgentShadow?

  /// The cause of the call: the event of the activation; nil outside of one.
  var cause: Cause?

  init(
    _ manifest: Manifest, hardware: Hardware, events: any EventSink, clock: any Timekeeper, files: any FileReading,
    model: (any ModelGateway)?, cannotWait: String? = nil, state: AgentState, budgets: BudgetBook,
    account: BudgetAccount
  ) {
    agent = manifest.id
    priority = manifest.policy.priority
    self.hardware = hardware
    self.events = events
    self.clock = clock
    self.files = files
    self.model = model
    self.cannotWait = cannotWait
    mind = manifest.mind
    waitsForTokens = manifest.budget.waitsForTokens
    self.state = state
    principal = Principal(name: "agent/\(manifest.id)", permissions: manifest.permissions)
    self.budgets = budgets
    self.account = account
  }

  var now: UInt64 { clock.now.nanoseconds }

  /// How many emergency stops there were when the start or the activation began; nil outside of one.
  private var stopsBefore: UInt64?
  private var emissions = EmissionLimit()

  /// Marks the begin of a start or an activation.
  func begin(_ cause: Cause?) {
    self.cause = cause
    stopsBefore = hardware.stops
    refusals.begin()
  }

  /// Whether an emergency stop began and was cleared during the current start or activation.
  private var isFromBeforeStop: Bool {
    stopsBefore.map { $0 != hardware.stops } ?? false && hardware.emergencyStop == nil
  }

  private static let fromBeforeStop = "what the agent does now was begun before the emergency stop"

  /// Marks the end of the activation. What was asked because of its event may be asked again.
  func end() {
    cause = nil
    stopsBefore = nil
    if hungUp?.isForGood == false { hungUp = nil }
  }

  /// Marks the end of the start. Calls before the first activation still have the cause of the start.
  func hasStarted() { stopsBefore = nil }

  func note(_ error: AgentError) { refusals.note(error) }

  /// The refusal that ended the start or the activation; nil when it ended for another reason.
  func passedOn(_ failure: AgentFailure) -> AgentError? { refusals.passedOn(failure) }

  /// Carries out a call and remembers a refusal.
  private func answer<Answer>(_ work: () throws(AgentError) -> Answer) throws(AgentError) -> Answer {
    do throws(AgentError) { return try work() } catch {
      note(error)
      throw error
    }
  }

  /// Carries out a call to the hardware. It counts as an operation unless `isCounted` is false, or another holder or a limit
  /// forbids it: the agent is to ask again later, and must not use up its budget by that.
  private func operate<Answer>(
    isCounted: Bool = true, _ work: () throws(HALError) -> Answer
  ) throws(AgentError) -> Answer {
    try answer { () throws(AgentError) in
      if isCounted, let refusal = budgets.ask(.hardware, 1, for: account) { throw limited("", refusal) }
      do throws(HALError) {
        let answer = try work()
        if isCounted { budgets.charge(.hardware, 1, to: account) }
        return answer
      } catch {
        if isCounted, !error.isUpToOthers { budgets.charge(.hardware, 1, to: account) }
        throw AgentError(error, at: clock.now)
      }
    }
  }

  /// - Returns: `name`, unless it is longer than any valid name.
  private func named(_ name: String) throws(AgentError) -> String {
    guard Name(name).isShort else {
      throw AgentError(.invalid, "a name of \(name.utf8.count) bytes, where there may be \(Name.longest)")
    }
    return name
  }

  private func limited(_ what: String, _ refusal: BudgetRefusal) -> AgentError {
    AgentError(
      .limited, what + refusal.message(to: agent), retryAfter: refusal.wait > .zero ? refusal.wait : nil)
  }

  func memory(holding held: Int64) -> MemoryRoom? {
    owner?.hold(held)
    return budgets.room(.memory, holding: held, for: account).map { MemoryRoom(bytes: $0.amount, parent: $0.parent) }
  }

  /// What the present instance has used, in nanoseconds.
  private var cpuOfInstance: Int64 = 0

  /// Marks the begin of an instance.
  func beginInstance() { (cpuOfInstance, hungUp) = (0, nil) }

  /// The budget's window may still be full of an earlier instance's use: the present one is not ended for that.
  func used(cpu nanoseconds: UInt64) {
    let amount = Int64(clamping: nanoseconds)
    cpuOfInstance += amount
    budgets.charge(.cpu, amount, byInstance: cpuOfInstance, to: account)
  }

  func read(_ sensor: String) throws(AgentError) -> Reading {
    let id = DeviceID(try named(sensor))
    return try operate { () throws(HALError) in try hardware.latestReading(id, as: principal) }
  }

  func control(
    _ actuator: String, _ command: ActuatorCommand, lease: Duration?
  ) throws(AgentError) -> Receipt {
    let id = DeviceID(try named(actuator))
    // No budget may block a command that makes an output safe.
    let isSafe = hardware.isSafe(command, for: id)
    return try operate(isCounted: !isSafe) { () throws(HALError) in
      if !isSafe, isFromBeforeStop {
        throw .limited(id, rule: "emergency_stop", detail: Self.fromBeforeStop, retryAfter: nil)
      }
      if let shadow { return try shadow.control(id, command, lease: lease, as: principal, cause: cause) }
      return try hardware.controlActuator(id, command, lease: lease, as: principal, cause: cause)
    }
  }

  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    let id = DeviceID(try named(camera))
    return try operate { () throws(HALError) in try hardware.latestJPEG(id, as: principal) }
  }

  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    let id = DeviceID(try named(camera))
    return try operate { () throws(HALError) in
      try hardware.latestGrey(id, width: width, height: height, as: principal).grey
    }
  }

  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    try answer { () throws(AgentError) in
      let before = cause
      var (id, isAnswered) = (CompletionID?.none, false)
      let completion = try ask(request, waits: true) { [weak self] result, cause in
        isAnswered = true
        if let id { self?.waiting[id] = nil }
        if case .failure(let error) = result { self?.note(error) }
        // What it does next is due to the answer, if it is still the same activation.
        if let self, let cause, before != nil, self.cause == before { self.cause = cause }
        done(result)
      }
      if !isAnswered {
        id = completion
        waiting[completion] = done
      }
      return completion
    }
  }

  /// Hangs up the calls of models for whose answers the agent waits, so that the servers stop their work, and refuses
  /// further ones: until the end of the activation, or of the instance.
  /// - Parameter why: what the agent is told, as `unavailable`.
  func hangUp(_ why: String, forGood: Bool) {
    guard hungUp?.isForGood != true else { return }
    hungUp = (why, forGood)
    let left = waiting.sorted { $0.key.number < $1.key.number }
    waiting = [:]
    let error = AgentError(.unavailable, why)
    for (completion, done) in left {
      model?.cancel(completion)
      note(error)
      done(.failure(error))
    }
  }

  private func ask(
    _ request: ModelRequest, waits: Bool, _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) throws(AgentError) -> CompletionID {
    guard principal.permissions.model else {
      throw AgentError(
        .denied, "agent '\(agent)' may not ask a model: capabilities.permissions.model does not allow it")
    }
    if waits, let cannotWait { throw AgentError(.unavailable, cannotWait) }
    if let hungUp { throw AgentError(.unavailable, hungUp.why) }
    guard let model else { throw AgentError(.unavailable, Self.noModel) }
    return try model.complete(request, for: caller, done)
  }

  private static let noModel = "no model is configured: 'models' in openstarry.yaml lists them"

  private var caller: ModelCaller {
    ModelCaller(
      agent, parents: account.path.dropFirst().compactMap(\.agent), cause: cause, own: mind?.server,
      model: mind?.model ?? "", waitsForBudget: waitsForTokens)
  }

  func send(_ request: ModelRequest, as name: String) throws(AgentError) {
    try answer { () throws(AgentError) in
      let name = try named(name)
      guard !questions.isFull else {
        throw AgentError(.limited, "\(Questions.most) questions to models are not answered yet")
      }
      let (number, before, stops) = (questions.next(), cause, hardware.stops)
      var isAnswered = false
      let id = try ask(request, waits: false) { [weak self] result, cause in
        isAnswered = true
        self?.take(Questions.Answer(name: name, result: result, cause: cause ?? before, stops: stops), of: number)
      }
      if !isAnswered { questions.asked(number, id) }
    }
  }

  private func take(_ answer: Questions.Answer, of number: UInt64) {
    guard let owner else { return }
    // What is delivered during an emergency stop is lost, and the agent waits for this.
    if owner.isPaused { return questions.keep(answer, of: number) }
    questions.end(number)
    owner.answered(answer)
  }

  /// Delivers the answers that came while no event could be delivered.
  func deliverAnswers() { for answer in questions.takeAnswers() { owner?.answered(answer) } }

  /// Cancels the questions whose answers would come as events, and drops the answers that could not be delivered yet.
  /// - Returns: whether there were any.
  func endQuestions() -> Bool {
    let (count, left) = questions.endAll()
    for completion in left { model?.cancel(completion) }
    return count > 0
  }

  func cancel(_ completion: CompletionID) {
    waiting[completion] = nil
    model?.cancel(completion)
  }

  func why(_ device: String) throws(AgentError) -> [Event] {
    try answer { () throws(AgentError) in
      let device = try named(device)
      let permissions = principal.permissions
      guard (permissions.sensors + permissions.actuators + permissions.cameras).contains(where: { $0.matches(device) })
      else { throw AgentError.notGranted(agent, "ask why of", device, key: "sensors or actuators") }
      guard let owner else { throw AgentError(.notFound, "agent '\(agent)' is gone") }
      return owner.causes(of: device)
    }
  }

  func surroundings() throws(AgentError) -> Value {
    try answer { () throws(AgentError) in
      guard let owner else { throw AgentError(.notFound, "agent '\(agent)' is gone") }
      return try owner.surroundings()
    }
  }

  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    try answer { () throws(AgentError) in try publish(type, payload) }
  }

  private func publish(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    guard EventPattern.isEventName(try named(type)) else {
      throw AgentError(.invalid, "'\(type)' is no event name: it must be domain:verb")
    }
    guard principal.permissions.mayEmit(type: type) else {
      throw AgentError.notGranted(agent, "emit", type, key: "emit")
    }
    if let complaint = PayloadLimit.complaint(payload) { throw AgentError(.limited, "emit '\(type)': \(complaint)") }
    // Rules would act on such an event.
    if isFromBeforeStop { throw AgentError(.limited, "emit '\(type)': \(Self.fromBeforeStop)") }
    if let wait = emissions.take(at: clock.now) {
      throw AgentError(.limited, "emit '\(type)': \(EmissionLimit.sentence)", retryAfter: wait)
    }
    if let refusal = budgets.take(.events, 1, for: account) {
      throw limited("emit '\(type)': ", refusal)
    }
    if let shadow { return shadow.emit(type, payload, cause: cause) }
    return events.publish(
      type, source: principal.name, cause: cause, priority: priority, payload: payload
    ).id
  }

  /// Lines beyond the budget are dropped; the first dropped line and the next kept one report that.
  func log(_ level: LogLevel, _ message: String) {
    if let refusal = budgets.take(.log, Int64(message.utf8.count) + 1, for: account) {
      let wait = refusal.wait > .zero ? " for \(refusal.wait.text)" : ""
      if leftOut == 0 { owner?.log(.warning, "lines are left out: \(refusal.message(to: agent))\(wait)", cause: nil) }
      leftOut += 1
      return
    }
    if leftOut > 0 {
      owner?.log(.notice, "\(leftOut) line(s) were left out", cause: nil)
      leftOut = 0
    }
    owner?.log(level, message, cause: nil)
  }

  func state(_ key: String) -> Value? { Name(key).isShort ? state.values[key] : nil }

  func setState(_ key: String, _ value: Value?) throws(AgentError) {
    try answer { () throws(AgentError) in try keep(key, value) }
  }

  private func keep(_ key: String, _ value: Value?) throws(AgentError) {
    let key = try named(key)
    let more = AgentState.size(key, value) - AgentState.size(key, state.values[key])
    if let refusal = budgets.take(.storage, max(0, more), for: account) {
      throw limited("state '\(key)': ", refusal)
    }
    do throws(AgentError) {
      guard let owner else { throw AgentError(.notFound, "agent '\(agent)' is gone") }
      try owner.keepState(key, value)
    } catch {
      if more > 0 { budgets.give(.storage, more, from: account) }
      throw error
    }
    if more < 0 { budgets.give(.storage, -more, from: account) }
  }

  func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    try answer { () throws(AgentError) in
      guard let owner else { throw AgentError(.notFound, "agent '\(agent)' is gone") }
      try owner.setTimer(try named(name), after: delay, repeats: repeats)
    }
  }

  func cancelTimer(_ name: String) { owner?.cancelTimer(name) }

  func file(_ path: String) throws(AgentError) -> [UInt8] {
    try answer { () throws(AgentError) in
      guard let real = principal.permissions.mayReadFile(path, resolve: files.resolve) else {
        throw AgentError.notGranted(agent, "read", path, key: "fs_allow_paths")
      }
      return try files.read(real)
    }
  }
}

/// An agent's durable values while it is registered; a copy of those in the store.
final class AgentState {
  private(set) var values: Fields
  /// Their size in bytes; see `size`.
  private(set) var bytes: Int64

  init(_ values: Fields) {
    self.values = values
    bytes = values.reduce(0) { $0 + Self.size($1.key, $1.value) }
  }

  func keep(_ key: String, _ value: Value?) {
    bytes += Self.size(key, value) - Self.size(key, values[key])
    values[key] = value
  }

  /// The size of a value in bytes: as JSON or in memory, whichever is greater.
  static func size(_ key: String, _ value: Value?) -> Int64 {
    value.map { Int64(max(key.utf8.count + $0.weight, key.memory + $0.memory)) } ?? 0
  }
}

/// The file system as agents see it.
package protocol FileReading: AnyObject {
  /// The path with symbolic links, `.` and `..` resolved; nil when it does not exist.
  func resolve(_ path: String) -> String?

  /// The contents of a regular file.
  /// - Parameter path: resolved and granted.
  /// - Throws: `notFound`, `denied` for anything but a regular file, `limited` beyond 1 MiB.
  func read(_ path: String) throws(AgentError) -> [UInt8]
}

extension AgentError {
  /// The error for the agent when the hardware layer refuses.
  init(_ error: HALError, at now: Instant) {
    let code: Code =
      switch error {
      case .notFound: .notFound
      case .denied: .denied
      case .busy: .busy
      case .limited: .limited
      case .waits: .waiting
      case .invalid: .invalid
      case .unavailable: .unavailable
      case .failed: .failed
      }
    self.init(code, error.sentence, retryAfter: error.retryAfter(at: now))
  }
}

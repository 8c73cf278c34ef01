import Agent
import HAL
import Model
import Watchdog

/// The calls of one agent: every one passes the gate of its manifest, and is told with the event being handled as
/// its cause.
final class AgentCalls: AgentHost, MemoryGiver {
  private let manifest: Manifest
  private let principal: Principal
  private let hardware: Hardware
  private let events: any EventSink
  private let clock: any Timekeeper
  private let files: any FileReading
  private let model: (any ModelGateway)?
  private let state: AgentState
  private let onLog: (LogLevel, String) -> Void
  private let onState: (String, Value?) throws(AgentError) -> Void
  private let budgets: BudgetBook
  private let account: BudgetAccount
  /// Lines that were left out since the last one that was not.
  private var leftOut = 0

  /// The largest payload of an event, about as many bytes as its JSON: what clients may emit, too.
  static let payloadLimit = 16384

  /// Called with how much memory the instance holds, where its driver says.
  var onMemory: (Int64) -> Void = { _ in }

  /// What led to the call: the activation's event; nil outside of one.
  var cause: Cause?

  init(
    _ manifest: Manifest, hardware: Hardware, events: any EventSink, clock: any Timekeeper, files: any FileReading,
    model: (any ModelGateway)?, state: AgentState, budgets: BudgetBook, account: BudgetAccount,
    onLog: @escaping (LogLevel, String) -> Void,
    onState: @escaping (String, Value?) throws(AgentError) -> Void
  ) {
    self.manifest = manifest
    self.hardware = hardware
    self.events = events
    self.clock = clock
    self.files = files
    self.model = model
    self.state = state
    self.onLog = onLog
    self.onState = onState
    principal = Principal(name: "agent/\(manifest.id)", permissions: manifest.permissions)
    self.budgets = budgets
    self.account = account
  }

  var now: UInt64 { clock.now.nanoseconds }

  func memory(holding held: Int64) -> MemoryRoom? {
    onMemory(held)
    return budgets.room(.memory, holding: held, for: account).map { MemoryRoom(bytes: $0.amount, parent: $0.parent) }
  }

  func read(_ sensor: String) throws(AgentError) -> Reading {
    try countOperation()
    do { return try hardware.latestReading(DeviceID(sensor), as: principal) } catch { throw AgentError(error) }
  }

  func control(
    _ actuator: String, _ command: ActuatorCommand, lease: Duration?
  ) throws(AgentError) -> Receipt {
    try countOperation()
    do {
      return try hardware.controlActuator(DeviceID(actuator), command, lease: lease, as: principal, cause: cause)
    } catch { throw AgentError(error) }
  }

  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    try countOperation()
    do { return try hardware.latestJPEG(DeviceID(camera), as: principal) } catch { throw AgentError(error) }
  }

  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    try countOperation()
    do { return try hardware.latestGrey(DeviceID(camera), width: width, height: height, as: principal).grey } catch {
      throw AgentError(error)
    }
  }

  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    guard manifest.permissions.model else {
      throw AgentError(
        .denied, "agent '\(manifest.id)' may not ask a model: capabilities.permissions.model does not allow it")
    }
    guard manifest.runtime.driver != .inProcess else {
      throw AgentError(
        .unavailable, "an in-process agent may not wait for a model: give it the driver 'wasm' or 'process'")
    }
    guard let model else { throw AgentError(.unavailable, "no model gateway is configured") }
    return try model.complete(request, for: manifest.id, done)
  }

  func cancel(_ completion: CompletionID) { model?.cancel(completion) }

  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    guard EventPattern.isEventName(type) else {
      throw AgentError(.invalid, "'\(type)' is no event name: it must be domain:verb")
    }
    guard manifest.permissions.mayEmit(type: type) else {
      throw AgentError.notGranted(manifest.id, "emit", type, key: "emit")
    }
    guard payload.weight <= Self.payloadLimit else {
      throw AgentError(
        .limited, "emit '\(type)': the payload is over \(Self.payloadLimit) bytes; pass large things as files")
    }
    if let refusal = budgets.take(.events, 1, for: account) {
      throw AgentError(.limited, "emit '\(type)': \(refusal.message(to: manifest.id))")
    }
    let priority = manifest.policy.priority
    return events.publish(
      type, source: principal.name, cause: cause, priority: priority, payload: payload
    ).id
  }

  /// Lines beyond the budget are left out, which the first and the next that is not say.
  func log(_ level: LogLevel, _ message: String) {
    if let refusal = budgets.take(.log, Int64(message.utf8.count) + 1, for: account) {
      if leftOut == 0 { onLog(.warning, "lines are left out: \(refusal.message(to: manifest.id))") }
      leftOut += 1
      return
    }
    if leftOut > 0 {
      onLog(.notice, "\(leftOut) line(s) were left out")
      leftOut = 0
    }
    onLog(level, message)
  }

  func state(_ key: String) -> Value? { state.values[key] }

  func setState(_ key: String, _ value: Value?) throws(AgentError) {
    let more = AgentState.size(key, value) - AgentState.size(key, state.values[key])
    if let refusal = budgets.take(.storage, max(0, more), for: account) {
      throw AgentError(.limited, "state '\(key)': \(refusal.message(to: manifest.id))")
    }
    do throws(AgentError) {
      try onState(key, value)
    } catch {
      if more > 0 { budgets.give(.storage, more, from: account) }
      throw error
    }
    if more < 0 { budgets.give(.storage, -more, from: account) }
  }

  func file(_ path: String) throws(AgentError) -> [UInt8] {
    guard let real = manifest.permissions.mayReadFile(path, resolve: files.resolve) else {
      throw AgentError.notGranted(manifest.id, "read", path, key: "fs_allow_paths")
    }
    return try files.read(real)
  }

  private func countOperation() throws(AgentError) {
    if let refusal = budgets.take(.hardware, 1, for: account) {
      throw AgentError(.limited, refusal.message(to: manifest.id))
    }
  }
}

/// An agent's durable values while it is registered; the store has them too.
final class AgentState {
  private(set) var values: Fields
  /// What they take, about as many bytes as their JSON.
  private(set) var bytes: Int64

  init(_ values: Fields) {
    self.values = values
    bytes = values.reduce(0) { $0 + Self.size($1.key, $1.value) }
  }

  func keep(_ key: String, _ value: Value?) {
    bytes += Self.size(key, value) - Self.size(key, values[key])
    values[key] = value
  }

  static func size(_ key: String, _ value: Value?) -> Int64 {
    value.map { Int64(key.utf8.count + $0.weight) } ?? 0
  }
}

/// The file system, as far as agents may see it.
public protocol FileReading: AnyObject {
  /// The path with symbolic links, `.` and `..` resolved; nil when it leads nowhere.
  func resolve(_ path: String) -> String?

  /// The contents of a regular file.
  /// - Parameter path: resolved, and granted.
  /// - Throws: `notFound`, `denied` for what is no regular file, `limited` beyond 1 MiB.
  func read(_ path: String) throws(AgentError) -> [UInt8]
}

extension AgentError {
  /// What an agent is told when the hardware layer says no.
  init(_ error: HALError) {
    let code: Code =
      switch error {
      case .notFound: .notFound
      case .denied: .denied
      case .busy: .busy
      case .limited: .limited
      case .invalid: .invalid
      case .unavailable: .unavailable
      case .failed: .failed
      }
    self.init(code, error.description)
  }
}

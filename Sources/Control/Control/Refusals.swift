import Agent
import HAL
import Model
import RPC

extension RPCError {
  /// The error for a refusal of the agents.
  init(_ error: AgentControlError) {
    func of(_ id: AgentID) -> Fields { ["agent": .string(id.rawValue)] }
    let message = error.description
    switch error {
    case .notFound(let id, let suggestion):
      self.init(
        .agentNotFound, message, data: of(id),
        hint: suggestion.map { "did you mean '\($0)'?" }
          ?? "'openstarry ps' lists those that are registered (listAgents)")
    case .alreadyRunning(let id), .stillRunning(let id): self.init(.alreadyRunning, message, data: of(id))
    case .notRunning(let id): self.init(.agentNotRunning, message, data: of(id))
    case .draining(let id): self.init(.agentNotRunning, message, data: of(id), hint: "try again when it has ended")
    case .quarantined(let id, _):
      self.init(.quarantined, message, data: of(id), hint: "'openstarry restart \(id)' releases it")
    case .disabled(let id): self.init(.agentNotRunning, message, data: of(id))
    case .paused(let id): self.init(.agentNotRunning, message, data: of(id))
    case .cannotRun(let id, _), .turnedBack(let id, _): self.init(.cannotRun, message, data: of(id))
    case .noParent: self.init(parameter: "agent", "a child of another agent", message)
    case .beyondParent(let id, let parent, let excess):
      let reason = excess.first?.reason
      var data = of(id)
      data["reason"] = (reason?.rawValue).map { .string($0) } ?? .null
      self.init(
        .latticeViolated, message, data: data,
        hint: reason == .depth
          ? "give it a parent that is higher up in the tree"
          : "grant the same to '\(parent)' in its manifest, or ask for less")
    case .parentDraining(let id, let parent):
      var data = of(id)
      data["parent"] = .string(parent.rawValue)
      self.init(.parentDraining, message, data: data)
    case .overloaded(let id, let queued):
      var data = of(id)
      data["queued"] = .int(Int64(queued))
      self.init(.overloaded, message, data: data)
    case .storage: self.init(.storage, message, hint: "is the disk full, or read-only?")
    }
  }

  /// The error for invalid files, with up to 100 diagnostics.
  /// - Parameter what: the beginning of the message, before the first error.
  init(_ diagnostics: Diagnostics, _ what: String) {
    let errors = diagnostics.all.filter { $0.severity == .error }
    let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
    self.init(
      .invalidFile, "\(what): \(errors.first ?? Diagnostic(Location(file: "<file>"), "is not right"))\(more)",
      data: ["diagnostics": .list(diagnostics.all.prefix(100).map { .string($0.description) })])
  }

  /// A hint at the command for a device of this kind.
  /// - Parameter kind: nil when the device does not exist.
  private static func use(_ id: DeviceID, _ kind: String?) -> String {
    switch kind {
    case "actuator": "'openstarry set \(id) …' commands it (hal.control)"
    case "camera": "'openstarry snapshot \(id) -o FILE' takes a picture (hal.snapshot)"
    case "sensor", "input": "'openstarry read \(id)' reads it (hal.read)"
    default: "'openstarry devices' lists the devices (hal.devices)"
    }
  }

  /// The error for a refusal of the hardware layer.
  init(_ error: HALError, at now: Instant) {
    func about(_ id: DeviceID, _ more: Fields = [:]) -> Fields {
      Fields([("device", .string(id.rawValue))] + more.map { ($0.key, $0.value) })
    }
    func milliseconds(_ duration: Duration?) -> Value {
      duration.map { .int(max(0, $0.nanoseconds / 1_000_000)) } ?? .null
    }
    let message = error.description
    switch error {
    case .notFound(let id, let kind, let suggestion, let actual):
      self.init(
        .deviceNotFound, message, data: about(id, ["kind": .string(kind)]),
        hint: suggestion.map { "did you mean '\($0)'?" } ?? Self.use(id, actual))
    case .denied(let id, let operation, _):
      self.init(.deviceDenied, message, data: about(id, ["operation": .string(operation)]))
    case .busy(let id, let holder, let until):
      let left = until.map { max(.zero, $0 - now) }
      // Rounded up to whole seconds: the command works after that time.
      let time = left.map { " for another \(Duration.seconds(($0.nanoseconds + 999_999_999) / 1_000_000_000).text)" }
      self.init(
        .deviceBusy, message + (time ?? ""),
        data: about(id, ["holder": .string(holder), "retry_after_ms": milliseconds(left)]),
        hint: "role operate is enough to command its safe state; 'openstarry set \(id) … --override' takes it over, "
          + "and requires role admin")
    case .limited(let id, let rule, _, let retryAfter):
      self.init(
        .deviceLimited, message,
        data: about(id, ["rule": .string(rule), "retry_after_ms": milliseconds(retryAfter)]))
    case .waits(let id, let approval, let until):
      self.init(
        .approvalNeeded, message,
        data: about(
          id,
          [
            "approval": .string(approval.description), "state": "waiting",
            "expires_ms": .int(max(0, (until - now).nanoseconds / 1_000_000)),
          ]),
        hint: "'approvals.wait' answers when somebody has decided; 'openstarry approvals' lists what waits")
    case .invalid(let id, _): self.init(.deviceInvalid, message, data: about(id))
    case .unavailable(let id, _): self.init(.deviceUnavailable, message, data: about(id))
    case .failed(let id, let operation, let fault):
      self.init(
        .deviceFailed, message,
        data: about(id, ["operation": .string(operation), "fault": .string(fault.description)]))
    }
  }
}

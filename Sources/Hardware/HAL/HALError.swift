import Model

/// A refusal by the gate, or a failure of the hardware.
package enum HALError: Error, Sendable, Hashable {
  /// The board declares no device of that kind and name. `suggestion` is a similar name; `actual` is the kind of the
  /// device that has the name.
  case notFound(DeviceID, kind: String, suggestion: String?, actual: String? = nil)
  /// The principal's permissions do not cover the device.
  case denied(DeviceID, operation: String, principal: String)
  /// Another holder has the lease; `until` is its deadline.
  case busy(DeviceID, holder: String, until: Instant?)
  /// A limit forbids it; `rule` is its key in the board file (`max_on`, `min_off`, `max_rate`, `exclusive_with`,
  /// `emergency_stop`). `retryAfter` is nil when waiting does not help.
  case limited(DeviceID, rule: String, detail: String, retryAfter: Duration?)
  /// The command waits for a person who approves it, until a time. `approval` is its id.
  case waits(DeviceID, approval: ULID, until: Instant)
  /// The command makes no sense for this device; the reason, for people.
  case invalid(DeviceID, String)
  /// The device cannot be used now (not measured yet, not open, the daemon is stopping); the reason, for people.
  case unavailable(DeviceID, String)
  /// The hardware or the kernel failed; `operation` is a verb such as `read` or `set`.
  case failed(DeviceID, operation: String, Fault)

  /// A failure of the hardware or the kernel.
  package enum Fault: Error, Sendable, Hashable {
    /// No device acknowledged on the bus (ENXIO, EREMOTEIO).
    case noAcknowledge
    /// The device did not answer in time (ETIMEDOUT).
    case timeout
    /// Another bus master won the arbitration (EAGAIN).
    case arbitrationLost
    /// The checksum of an answer is wrong.
    case checksum
    /// The device has gone (ENODEV).
    case gone
    /// The device is absent; the text says what is missing.
    case absent(String)
    /// The device node or line is in use by another program, named if the kernel knows it.
    case inUse(String?)
    /// The circuit breaker of its bus address is open after repeated failures.
    case resting
    /// More than one device matches the board file's entry; the text names them and the option to add.
    case ambiguous(String)
    /// Any other errno, with its text.
    case system(Int32, String)
    /// The answer violates the device's data sheet; the text says how.
    case protocolViolation(String)
  }
}

extension HALError {
  /// The device has not been opened, and opening it has not failed: only safe mode leaves devices closed.
  static func notOpen(_ device: DeviceID) -> HALError {
    .unavailable(device, "it is not open: safe mode opens outputs only")
  }

  /// The device's entry in the board file cannot work.
  static func wrongBoard(_ device: DeviceID, _ why: String) -> HALError {
    .unavailable(device, "its entry in the board file is wrong: \(why)")
  }

  /// Whether another holder or a limit of the board forbids the call, so that it may succeed later. No hardware was touched.
  package var isUpToOthers: Bool {
    switch self {
    case .busy, .limited, .waits: true
    case .notFound, .denied, .invalid, .unavailable, .failed: false
    }
  }

  /// Whether the device is absent: a retry cannot succeed before it is back.
  package var isGone: Bool { if case .failed(_, _, let fault) = self { fault.isGone } else { false } }

  /// The reason alone, without the device and the operation; the whole sentence for other refusals.
  package var cause: String {
    switch self {
    case .failed(_, _, let fault): fault.description
    case .unavailable(_, let why), .invalid(_, let why): why
    default: description
    }
  }
}

extension HALError.Fault {
  /// Whether the device is absent.
  package var isGone: Bool {
    switch self {
    case .gone, .absent: true
    default: false
    }
  }
}

extension HALError: CustomStringConvertible {
  /// `sentence`, and when to try again if that is known.
  package var description: String {
    if case .limited(_, _, _, let retry?) = self { return "\(sentence); try again in \(retry.spoken)" }
    return sentence
  }

  /// How long until the same request may succeed; nil when unknown.
  package func retryAfter(at now: Instant) -> Duration? {
    switch self {
    case .busy(_, _, let until?): max(.zero, until - now)
    // Not that of the wait: nobody knows when somebody decides.
    case .limited(_, _, _, let retry): retry
    default: nil
    }
  }

  /// One sentence with the device, the operation and the reason.
  package var sentence: String {
    switch self {
    case .notFound(let device, let kind, _, let actual?):
      "'\(device)' is \(Self.withArticle(actual)), not \(Self.withArticle(kind))"
    case .notFound(let device, let kind, let suggestion, nil):
      "no \(kind) '\(device)' on this board" + (suggestion.map { " (did you mean '\($0)'?)" } ?? "")
    case .denied(let device, let operation, let principal):
      "\(principal) may not \(operation) '\(device)': its permissions do not name it"
    case .busy(let device, let holder, _): "'\(device)' is held by \(holder)"
    case .limited(let device, let rule, let detail, _): "'\(device)' is limited by \(rule): \(detail)"
    case .waits(let device, let approval, _):
      "a person has to approve the command to '\(device)' first: approval \(approval)"
    case .invalid(let device, let why): "'\(device)': \(why)"
    case .unavailable(let device, let why): "'\(device)' is not available: \(why)"
    case .failed(let device, let operation, let fault): "\(operation) '\(device)' failed: \(fault)"
    }
  }

  private static func withArticle(_ kind: String) -> String {
    "\(kind.first.map("aeiou".contains) == true ? "an" : "a") \(kind)"
  }
}

extension HALError.Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noAcknowledge: "no acknowledge: nothing answers at its address"
    case .timeout: "timeout"
    case .arbitrationLost: "arbitration lost"
    case .checksum: "checksum does not match"
    case .gone: "the device has gone"
    case .absent(let what): what
    case .inUse(let holder): "in use" + (holder.map { " by \($0)" } ?? "")
    case .resting: "its bus address has failed repeatedly and is paused until the next retry"
    case .ambiguous(let what): what
    case .system(let number, let text): "\(text) (errno \(number))"
    case .protocolViolation(let what): what
    }
  }
}

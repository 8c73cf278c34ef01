import Model

/// Why the hardware layer did not do what was asked.
public enum HALError: Error, Sendable, Hashable {
  /// The board declares no such device of that kind; `actual` is the kind of the device that has this name.
  case notFound(DeviceID, kind: String, suggestion: String?, actual: String? = nil)
  /// The caller's permissions do not cover it.
  case denied(DeviceID, operation: String, principal: String)
  /// Somebody else holds it.
  case busy(DeviceID, holder: String, until: Instant?)
  /// A limit of the board file stands against it; `rule` is its key (`max_on`, `min_off`, `max_rate`,
  /// `exclusive_with`).
  case limited(DeviceID, rule: String, detail: String, retryAfter: Duration?)
  /// It makes no sense for this device.
  case invalid(DeviceID, String)
  /// It cannot be used now: not measured yet, not open, the daemon ends.
  case unavailable(DeviceID, String)
  /// The hardware or the kernel failed: what was done, and what it answered.
  case failed(DeviceID, operation: String, Fault)

  /// How hardware fails.
  public enum Fault: Error, Sendable, Hashable {
    /// Nobody answered on the bus (ENXIO, EREMOTEIO).
    case noAcknowledge
    /// The answer took too long (ETIMEDOUT).
    case timeout
    /// Two masters spoke at once (EAGAIN).
    case arbitrationLost
    /// What was read does not add up.
    case checksum
    /// The device has gone (ENODEV).
    case gone
    /// The device is not there: what is missing, in words.
    case absent(String)
    /// The device node or line is in use by another program, named where the kernel knows it.
    case inUse(String?)
    /// The bus has failed too often at its address, which rests until it is tried again.
    case resting
    /// More than one device fits what the board file says; the text names them and what to add.
    case ambiguous(String)
    /// Any other error number, with its text.
    case system(Int32, String)
    /// The device answered something that its data sheet does not allow.
    case protocolViolation(String)
  }
}

extension HALError {
  /// Nobody has opened it.
  static func notOpen(_ device: DeviceID) -> HALError {
    .unavailable(device, "it is not open: in safe mode only the outputs are")
  }

  /// The board file asks for what cannot be.
  static func wrongBoard(_ device: DeviceID, _ why: String) -> HALError {
    .unavailable(device, "what the board file says of it is wrong: \(why)")
  }

  /// The device is not there: nothing can be done about it before it is back.
  public var isGone: Bool { if case .failed(_, _, let fault) = self { fault.isGone } else { false } }

  /// What the hardware or the kernel answered, or what is missing; else the whole sentence.
  public var cause: String {
    switch self {
    case .failed(_, _, let fault): fault.description
    case .unavailable(_, let why), .invalid(_, let why): why
    default: description
    }
  }
}

extension HALError.Fault {
  /// The device is not there.
  public var isGone: Bool {
    switch self {
    case .gone, .absent: true
    default: false
    }
  }
}

extension HALError: CustomStringConvertible {
  /// One sentence: what was asked, of what, why not, and when to try again.
  public var description: String {
    if case .limited(_, _, _, let retry?) = self { return "\(sentence); try again in \(retry.spoken)" }
    return sentence
  }

  /// How long until the same may be done; nil when nobody knows.
  public func retryAfter(at now: Instant) -> Duration? {
    switch self {
    case .busy(_, _, let until?): max(.zero, until - now)
    case .limited(_, _, _, let retry): retry
    default: nil
    }
  }

  /// What was asked, of what, and why not.
  public var sentence: String {
    switch self {
    case .notFound(let device, let kind, _, let actual?):
      "'\(device)' is \(Self.withArticle(actual)), not \(Self.withArticle(kind))"
    case .notFound(let device, let kind, let suggestion, nil):
      "no \(kind) '\(device)' on this board" + (suggestion.map { " (did you mean '\($0)'?)" } ?? "")
    case .denied(let device, let operation, let principal):
      "\(principal) may not \(operation) '\(device)': its permissions do not name it"
    case .busy(let device, let holder, _): "'\(device)' is held by \(holder)"
    case .limited(let device, let rule, let detail, _): "'\(device)' is limited by \(rule): \(detail)"
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
  public var description: String {
    switch self {
    case .noAcknowledge: "no acknowledge: nothing answers at its address"
    case .timeout: "timeout"
    case .arbitrationLost: "arbitration lost"
    case .checksum: "checksum does not match"
    case .gone: "the device has gone"
    case .absent(let what): what
    case .inUse(let holder): "in use" + (holder.map { " by \($0)" } ?? "")
    case .resting: "its address on the bus rests after repeated failures, and is tried again"
    case .ambiguous(let what): what
    case .system(let number, let text): "\(text) (errno \(number))"
    case .protocolViolation(let what): what
    }
  }
}

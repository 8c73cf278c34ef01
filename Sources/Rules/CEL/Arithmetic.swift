extension Arithmetic {
  /// Applies the operator (langdef.md, "Numeric Values", "Timestamps and durations").
  /// - Throws: no such overload, overflow, division by zero, time out of range.
  func apply(
    _ left: CELValue, _ right: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    switch (left, right) {
    case (.double(let left), .double(let right)):
      if let value = calculate(left, right) { return .double(value) }
    case (.int(let left), .int(let right)): return .int(try calculate(left, right, offset))
    case (.uint(let left), .uint(let right)): return .uint(try calculate(left, right, offset))
    case (.string(let left), .string(let right)) where self == .add:
      try frame.charge((left.utf8.count + right.utf8.count) >> 4, offset)
      return .string(left + right)
    case (.bytes(let left), .bytes(let right)) where self == .add:
      try frame.charge((left.count + right.count) >> 4, offset)
      return .bytes(left + right)
    case (.list(let left), .list(let right)) where self == .add:
      try frame.charge(left.count + right.count, offset)
      return .list(Array(left) + Array(right))
    default:
      if let time = try calculateTime(left, right, offset) { return time }
    }
    throw noOverload(left, right, offset)
  }

  private func noOverload(_ left: CELValue, _ right: CELValue, _ offset: Int) -> CELError {
    var error = CELError.noOverload(rawValue, [left, right], offset)
    if left.type.isNumber && right.type.isNumber && left.type != right.type {
      error.message += "; convert one side, e.g. double(…)"
    }
    return error
  }

  private func calculate(_ left: Double, _ right: Double) -> Double? {
    switch self {
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    case .divide: left / right
    case .modulo: nil
    }
  }

  private func calculate<T: FixedWidthInteger>(_ left: T, _ right: T, _ offset: Int) throws(CELError) -> T {
    if right == 0 && (self == .divide || self == .modulo) {
      throw CELError(offset: offset, message: self == .divide ? "division by zero" : "modulus by zero")
    }
    let (value, overflow) =
      switch self {
      case .add: left.addingReportingOverflow(right)
      case .subtract: left.subtractingReportingOverflow(right)
      case .multiply: left.multipliedReportingOverflow(by: right)
      case .divide: left.dividedReportingOverflow(by: right)
      case .modulo: left.remainderReportingOverflow(dividingBy: right)
      }
    guard !overflow else {
      let kind = T.isSigned ? "integer" : "unsigned integer"
      throw CELError(offset: offset, message: "\(kind) overflow: \(left) \(rawValue) \(right)")
    }
    return value
  }

  private func calculateTime(_ left: CELValue, _ right: CELValue, _ offset: Int) throws(CELError) -> CELValue? {
    switch (left, self, right) {
    case (.duration(let left), .add, .duration(let right)): return try bounded(left + right, offset)
    case (.duration(let left), .subtract, .duration(let right)): return try bounded(left - right, offset)
    case (.timestamp(let left), .subtract, .timestamp(let right)):
      return try bounded(left.sinceEpoch - right.sinceEpoch, offset)
    case (.timestamp(let time), .add, .duration(let duration)), (.duration(let duration), .add, .timestamp(let time)):
      return try bounded(CELTimestamp(sinceEpoch: time.sinceEpoch + duration), offset)
    case (.timestamp(let time), .subtract, .duration(let duration)):
      return try bounded(CELTimestamp(sinceEpoch: time.sinceEpoch - duration), offset)
    default: return nil
    }
  }

  private func bounded(_ duration: Duration, _ offset: Int) throws(CELError) -> CELValue {
    guard duration <= TimeText.longest, duration >= .zero - TimeText.longest else {
      throw CELError(offset: offset, message: "duration out of range: it is longer than 292 years")
    }
    return .duration(duration)
  }

  private func bounded(_ time: CELTimestamp?, _ offset: Int) throws(CELError) -> CELValue {
    guard let time else {
      throw CELError(offset: offset, message: "timestamp out of range: years are 1 to 9999")
    }
    return .timestamp(time)
  }
}

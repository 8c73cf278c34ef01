extension Function {
  /// Methods of lists of numbers, which are not part of CEL's extensions.
  static let statistics: [Function] = [
    method("sum", overNumbers) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      return try sum(list, &frame)
    },
    method("avg", strict: true, numbers.map { Overload([.list($0)], .double) }) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      guard !list.isEmpty else { throw CELError(message: "avg(): the list is empty") }
      guard let sum = try doubleSum(list, &frame) else { return nil }
      return .double(sum / Double(list.count))
    },
    method("min", strict: true, overNumbers) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      return try extreme(list, .less, "min", &frame)
    },
    method("max", strict: true, overNumbers) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      return try extreme(list, .greater, "max", &frame)
    },
  ]

  private static let numbers: [CELType] = [.int, .uint, .double]
  private static let overNumbers = numbers.map { Overload([.list($0)], $0) }

  /// The sum of numbers of one type, in that type; of numbers of several types as a double; 0 without numbers.
  private static func sum(_ list: CELList, _ frame: inout Frame) throws(CELError) -> CELValue? {
    guard var total = list.first else { return .int(0) }
    guard total.type.isNumber else { return nil }
    for element in list.dropFirst() {
      guard element.type == total.type else { return try doubleSum(list, &frame).map { .double($0) } }
      try frame.charge(1, 0)
      total = try Arithmetic.add.apply(total, element, 0, &frame)
    }
    return total
  }

  /// nil when an element is not a number.
  private static func doubleSum(_ list: CELList, _ frame: inout Frame) throws(CELError) -> Double? {
    try frame.charge(list.count, 0)
    var sum = 0.0
    for element in list {
      guard let number = element.asDouble else { return nil }
      sum += number
    }
    return sum
  }
}

extension Function {
  /// The math extension (github.com/google/cel-go, ext/README.md, "Math").
  static let math: [Function] = [
    extreme("math.greatest", .greater), extreme("math.least", .less),
    rounding("math.ceil", .up), rounding("math.floor", .down), rounding("math.trunc", .towardZero),
    rounding("math.round", .toNearestOrAwayFromZero),
    test("math.isNaN") { $0.isNaN }, test("math.isInf") { $0.isInfinite }, test("math.isFinite") { $0.isFinite },
    function("math.abs", ofEachNumber) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .int(let value):
        guard value != .min else { throw CELError(message: "integer overflow: math.abs(\(value))") }
        return .int(abs(value))
      case .uint: return arguments[0]
      case .double(let value): return .double(value.magnitude)
      default: return nil
      }
    },
    function("math.sign", ofEachNumber) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .int(let value): return .int(value.signum())
      case .uint(let value): return .uint(min(value, 1))
      case .double(let value): return .double(value > 0 ? 1 : value < 0 ? -1 : value.isNaN ? value : 0)
      default: return nil
      }
    },
    function(
      "math.sqrt", [Overload([.double], .double), Overload([.int], .double), Overload([.uint], .double)]
    ) { (arguments, _) throws(CELError) in
      arguments[0].asDouble.map { .double($0.squareRoot()) }
    },
  ]

  private static let ofEachNumber = [Overload([.int], .int), Overload([.uint], .uint), Overload([.double], .double)]

  /// The greatest or the least of numbers: those of a list, or the arguments.
  private static func extreme(_ name: String, _ wanted: CELValue.Ranking) -> Function {
    function(
      name, strict: true,
      [
        Overload([.list(.dyn)]) { $0[0].elementType.isNumberOrDyn ? $0[0].elementType : nil },
        // The result has the type of one of the arguments.
        Overload(variadic: .dyn, "numbers") { arguments in
          guard arguments.allSatisfy(\.isNumberOrDyn) else { return nil }
          return arguments.dropFirst().reduce(arguments[0]) { $0.joined($1) }
        },
      ]
    ) { (arguments, frame) throws(CELError) in
      if arguments.count == 1, case .list(let list) = arguments[0] {
        return try Self.extreme(list, wanted, name, &frame)
      }
      return try Self.extreme(CELList(arguments), wanted, name, &frame)
    }
  }

  /// The first of the greatest or least numbers of a list; nil when an element is not a number.
  static func extreme(
    _ list: CELList, _ wanted: CELValue.Ranking, _ name: String, _ frame: inout Frame
  ) throws(CELError) -> CELValue? {
    try frame.charge(list.count, 0)
    guard var best = list.first else { throw CELError(message: "\(name)(): the list is empty") }
    for element in list {
      guard element.type.isNumber, let ranking = CELValue.compare(element, best) else { return nil }
      guard ranking != .unordered else { throw CELError(message: "\(name)(): NaN has no order") }
      if ranking == wanted { best = element }
    }
    return best
  }

  private static func rounding(_ name: String, _ rule: FloatingPointRoundingRule) -> Function {
    function(name, [Overload([.double], .double)]) { (arguments, _) throws(CELError) in
      guard case .double(let value) = arguments[0] else { return nil }
      return .double(value.rounded(rule))
    }
  }

  private static func test(_ name: String, _ holds: @escaping @Sendable (Double) -> Bool) -> Function {
    function(name, [Overload([.double], .bool)]) { (arguments, _) throws(CELError) in
      guard case .double(let value) = arguments[0] else { return nil }
      return .bool(holds(value))
    }
  }
}

extension CELType {
  fileprivate var isNumberOrDyn: Bool { self == .dyn || isNumber }
}

extension CELValue {
  /// A number as the nearest double; nil for other values.
  var asDouble: Double? {
    switch self {
    case .int(let value): Double(value)
    case .uint(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }
}

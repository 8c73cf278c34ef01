extension Function {
  /// Functions of optional values (github.com/google/cel-go, cel/library.go, "OptionalTypes").
  static let optionals: [Function] = [
    function("optional.none", [Overload([], .optional(.dyn))]) { (_, _) throws(CELError) in .optional(nil) },
    function("optional.of", [wrapping]) { (arguments, _) throws(CELError) in .optional(arguments[0]) },
    function("optional.ofNonZeroValue", [wrapping]) { (arguments, _) throws(CELError) in
      // Not `? nil :`, which would be CEL's null.
      .optional(arguments[0].isZero ? Optional.none : arguments[0])
    },
    function("optional.unwrap", [unwrapping], unwrap),
  ]

  /// Methods of optional values.
  static let optionalMethods: [Function] = [
    method("hasValue", [Overload([.optional(.dyn)], .bool)]) { (arguments, _) throws(CELError) in
      guard case .optional(let value) = arguments[0] else { return nil }
      return .bool(value != nil)
    },
    method("value", [Overload([.optional(.dyn)]) { $0[0].wrappedType }]) { (arguments, _) throws(CELError) in
      guard case .optional(let value) = arguments[0] else { return nil }
      guard let value else { throw CELError(message: "optional.none() has no value", kind: .missing) }
      return value
    },
    lazyMethod("or", [Overload([.optional(.dyn), .optional(.dyn)], alternative)]) {
      (arguments, offset, frame) throws(CELError) in
      let first = try arguments[0].evaluate(&frame)
      guard case .optional(let value) = first else { throw .noOverload("or", [first], offset) }
      if value != nil { return first }
      let second = try arguments[1].evaluate(&frame)
      guard case .optional = second else { throw .noOverload("or", [first, second], offset) }
      return second
    },
    lazyMethod("orValue", [Overload([.optional(.dyn), .dyn], valueOrAlternative)]) {
      (arguments, offset, frame) throws(CELError) in
      let first = try arguments[0].evaluate(&frame)
      guard case .optional(let value) = first else { throw .noOverload("orValue", [first], offset) }
      if let value { return value }
      return try arguments[1].evaluate(&frame)
    },
    method("unwrapOpt", [unwrapping], unwrap),
  ]

  private static let wrapping = Overload([.dyn]) { .optional($0[0]) }
  private static let unwrapping = Overload([.list(.optional(.dyn))]) { .list($0[0].elementType.wrappedType) }

  private static let unwrap: Body = { (arguments, frame) throws(CELError) -> CELValue? in
    guard case .list(let list) = arguments[0] else { return nil }
    try frame.charge(list.count, 0)
    var values: [CELValue] = []
    for element in list {
      guard case .optional(let value) = element else { return nil }
      if let value { values.append(value) }
    }
    return .list(values)
  }

  /// The type of `a.or(b)`; nil when the values cannot have the same type.
  private static let alternative: Overload.Result = { types in
    guard types[0].wrappedType.fits(types[1].wrappedType) else { return nil }
    return .optional(types[0].wrappedType.joined(types[1].wrappedType))
  }

  /// The type of `a.orValue(b)`; nil when the values cannot have the same type.
  private static let valueOrAlternative: Overload.Result = { types in
    types[0].wrappedType.fits(types[1]) ? types[0].wrappedType.joined(types[1]) : nil
  }
}

extension CELValue {
  /// Whether the value is the default one of its type.
  fileprivate var isZero: Bool {
    switch self {
    case .null: true
    case .bool(let value): !value
    case .int(let value): value == 0
    case .uint(let value): value == 0
    case .double(let value): value == 0
    case .string(let value): value.isEmpty
    case .bytes(let value): value.isEmpty
    case .list(let list): list.isEmpty
    case .map(let map): map.count == 0
    case .duration(let value): value == .zero
    case .timestamp(let time): time.sinceEpoch == .zero
    case .type, .optional: false
    }
  }
}

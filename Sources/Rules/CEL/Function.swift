/// One of CEL's own functions or methods, with all its overloads.
struct Function: Sendable {
  /// - Returns: nil when the argument types match no overload.
  typealias Body = @Sendable (_ arguments: [CELValue], _ frame: inout Frame) throws(CELError) -> CELValue?

  /// Evaluates only the arguments that it needs.
  typealias LazyBody = @Sendable (_ arguments: [Node], _ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue

  enum Implementation: Sendable {
    case strict(Body)
    case lazy(LazyBody)
  }

  let name: String
  let isMethod: Bool
  let overloads: [Overload]
  /// Whether a failure with constant arguments is an error at load, as in `duration('soon')`.
  let isStrict: Bool
  let implementation: Implementation

  static func function(
    _ name: String, strict: Bool = false, _ overloads: [Overload], _ body: @escaping Body
  ) -> Function {
    Function(
      name: name, isMethod: false, overloads: overloads, isStrict: strict, implementation: .strict(body))
  }

  static func method(
    _ name: String, strict: Bool = false, _ overloads: [Overload], _ body: @escaping Body
  ) -> Function {
    Function(
      name: name, isMethod: true, overloads: overloads, isStrict: strict, implementation: .strict(body))
  }

  static func lazyMethod(_ name: String, _ overloads: [Overload], _ body: @escaping LazyBody) -> Function {
    Function(name: name, isMethod: true, overloads: overloads, isStrict: false, implementation: .lazy(body))
  }

  func call(_ arguments: [Node], _ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue {
    switch implementation {
    case .strict(let body):
      let values = try Node.all(arguments, &frame)
      try frame.charge(4, offset)
      do throws(CELError) {
        if let value = try body(values, &frame) { return value }
      } catch {
        throw CELError(offset: offset, message: error.message, kind: error.kind)
      }
      throw .noOverload(name, values, offset)
    case .lazy(let body):
      try frame.charge(4, offset)
      return try body(arguments, offset, &frame)
    }
  }

  /// The functions by name; those of a namespace, such as `optional.of`, by their full name.
  static let functions = table(
    conversions + optionals + math + bits + listFunctions + encoders + [sizeFunction, quoteFunction, matchesFunction])
  static let methods = table(
    texts + timeGetters + optionalMethods + lists + statistics + [sizeMethod, matchesMethod, formatMethod])

  private static func table(_ functions: [Function]) -> [String: Function] {
    Dictionary(uniqueKeysWithValues: functions.map { ($0.name, $0) })
  }

  private static let sized: [Overload] = [
    Overload([.string], .int), Overload([.bytes], .int), Overload([.list(.dyn)], .int),
    Overload([.map(.dyn, .dyn)], .int),
  ]
  private static let sizeFunction = function("size", sized, size)
  private static let sizeMethod = method("size", sized, size)

  private static let size: Body = { (arguments, frame) throws(CELError) -> CELValue? in
    switch arguments[0] {
    case .string(let text):
      try frame.charge(text.utf8.count >> 5, 0)
      return .int(Int64(text.unicodeScalars.count))
    case .bytes(let bytes): return .int(Int64(bytes.count))
    case .list(let list): return .int(Int64(list.count))
    case .map(let map): return .int(Int64(map.count))
    default: return nil
    }
  }

  private static let matched = [Overload([.string, .string], .bool)]
  private static let matchesFunction = function("matches", strict: true, matched, matches)
  private static let matchesMethod = method("matches", strict: true, matched, matches)

  private static let matches: Body = { (arguments, frame) throws(CELError) -> CELValue? in
    guard case .string(let text) = arguments[0], case .string(let pattern) = arguments[1] else { return nil }
    try frame.charge(pattern.utf8.count, 0)
    let regex = try Regex(pattern)
    try frame.charge(regex.size + regex.cost(of: text), 0)
    return .bool(regex.isFound(in: text))
  }
}

/// One of CEL's own functions or methods, with all its overloads.
struct Function: Sendable {
  /// One signature. The first parameter of a method is its receiver.
  struct Overload: Sendable {
    let parameters: [CELType]
    let result: CELType

    init(_ parameters: [CELType], _ result: CELType) {
      self.parameters = parameters
      self.result = result
    }
  }

  /// - Returns: nil when the argument types match no overload.
  typealias Body = @Sendable (_ arguments: [CELValue], _ frame: inout Frame) throws(CELError) -> CELValue?

  let name: String
  let isMethod: Bool
  let overloads: [Overload]
  /// Whether a failure with constant arguments is an error at load, as in `duration('soon')`.
  let isStrict: Bool
  let body: Body

  static func function(
    _ name: String, strict: Bool = false, _ overloads: [Overload], _ body: @escaping Body
  ) -> Function {
    Function(name: name, isMethod: false, overloads: overloads, isStrict: strict, body: body)
  }

  static func method(
    _ name: String, strict: Bool = false, _ overloads: [Overload], _ body: @escaping Body
  ) -> Function {
    Function(name: name, isMethod: true, overloads: overloads, isStrict: strict, body: body)
  }

  func call(_ arguments: [CELValue], _ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue {
    do throws(CELError) {
      if let value = try body(arguments, &frame) { return value }
    } catch {
      throw CELError(offset: offset, message: error.message, kind: error.kind)
    }
    throw .noOverload(name, arguments, offset)
  }

  static let functions = table(conversions + [sizeFunction, matchesFunction])
  static let methods = table(texts + timeGetters + [sizeMethod, matchesMethod])

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

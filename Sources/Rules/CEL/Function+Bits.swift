extension Function {
  /// The bit functions of the math extension (github.com/google/cel-go, ext/README.md, "Math").
  static let bits: [Function] = [
    pair("math.bitAnd", { $0 & $1 }, { $0 & $1 }),
    pair("math.bitOr", { $0 | $1 }, { $0 | $1 }),
    pair("math.bitXor", { $0 ^ $1 }, { $0 ^ $1 }),
    function("math.bitNot", [Overload([.int], .int), Overload([.uint], .uint)]) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .int(let value): return .int(~value)
      case .uint(let value): return .uint(~value)
      default: return nil
      }
    },
    shift("math.bitShiftLeft") { $0 << $1 },
    shift("math.bitShiftRight") { $0 >> $1 },
  ]

  private static func pair(
    _ name: String, _ signed: @escaping @Sendable (Int64, Int64) -> Int64,
    _ unsigned: @escaping @Sendable (UInt64, UInt64) -> UInt64
  ) -> Function {
    function(name, [Overload([.int, .int], .int), Overload([.uint, .uint], .uint)]) {
      (arguments, _) throws(CELError) in
      switch (arguments[0], arguments[1]) {
      case (.int(let left), .int(let right)): return .int(signed(left, right))
      case (.uint(let left), .uint(let right)): return .uint(unsigned(left, right))
      default: return nil
      }
    }
  }

  /// Shifts bits; those that become vacant are 0, also on the left of a negative number.
  private static func shift(_ name: String, _ apply: @escaping @Sendable (UInt64, Int64) -> UInt64) -> Function {
    function(name, [Overload([.int, .int], .int), Overload([.uint, .int], .uint)]) { (arguments, _) throws(CELError) in
      guard case .int(let places) = arguments[1] else { return nil }
      guard places >= 0 else { throw CELError(message: "\(name)(): negative offset: \(places)") }
      // Swift's shift by 64 places or more gives 0, as CEL's does.
      switch arguments[0] {
      case .int(let value): return .int(Int64(bitPattern: apply(UInt64(bitPattern: value), places)))
      case .uint(let value): return .uint(apply(value, places))
      default: return nil
      }
    }
  }
}

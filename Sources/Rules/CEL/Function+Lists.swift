extension Function {
  /// Functions of the lists extension (github.com/google/cel-go, ext/README.md, "Lists").
  static let listFunctions: [Function] = [
    function("lists.range", [Overload([.int], .list(.int))]) { (arguments, frame) throws(CELError) in
      guard case .int(let count) = arguments[0] else { return nil }
      // A negative number gives an empty list.
      try frame.charge(Int(max(0, count)), 0)
      return .list((0..<max(0, count)).map { .int($0) })
    }
  ]

  /// Methods of lists, and `reverse`, which strings have, too.
  static let lists: [Function] = [
    method("first", [Overload([.list(.dyn)]) { .optional($0[0].elementType) }]) { (arguments, _) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      return .optional(list.first)
    },
    method("last", [Overload([.list(.dyn)]) { .optional($0[0].elementType) }]) { (arguments, _) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      return .optional(list.last)
    },
    method("slice", [Overload([.list(.dyn), .int, .int]) { $0[0] }]) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0], case .int(let start) = arguments[1], case .int(let end) = arguments[2]
      else { return nil }
      let call = "slice(\(start), \(end))"
      guard start >= 0, end >= 0 else { throw CELError(message: "\(call): an index is negative") }
      guard start <= end else { throw CELError(message: "\(call): the end is before the start") }
      guard end <= Int64(list.count) else {
        throw CELError(message: "\(call): index out of range, the list has \(list.count)")
      }
      try frame.charge(Int(end - start), 0)
      return .list(Array(list[Int(start)..<Int(end)]))
    },
    method("reverse", [Overload([.string], .string), Overload([.list(.dyn)]) { $0[0] }]) {
      (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return try reversed(arguments[0], &frame) }
      try frame.charge(list.count, 0)
      return .list(list.reversed())
    },
    method("distinct", [Overload([.list(.dyn)]) { $0[0] }]) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      var distinct: [CELValue] = []
      for element in list {
        var isKnown = false
        for other in distinct where !isKnown { isKnown = CELValue.equal(element, other, &frame.steps) }
        try frame.charge(1, 0)
        if !isKnown { distinct.append(element) }
      }
      return .list(distinct)
    },
    method(
      "flatten", [Overload([.list(.list(.dyn))]) { $0[0].elementType }, Overload([.list(.dyn), .int], .list(.dyn))]
    ) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      var depth: Int64 = 1
      if arguments.count == 2 {
        guard case .int(let given) = arguments[1] else { return nil }
        depth = given
      }
      guard depth >= 0 else { throw CELError(message: "flatten(\(depth)): the depth is negative") }
      var flat: [CELValue] = []
      try flatten(list, depth, into: &flat, &frame)
      return .list(flat)
    },
    method("sort", CELType.sortable.map { Overload([.list($0)], .list($0)) }) { (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      return .list(try list.sorted(byKeys: list, "sort()", &frame))
    },
  ]

  private static func flatten(
    _ list: CELList, _ depth: Int64, into flat: inout [CELValue], _ frame: inout Frame
  ) throws(CELError) {
    for element in list {
      try frame.charge(1, 0)
      if depth > 0, case .list(let nested) = element {
        try flatten(nested, depth - 1, into: &flat, &frame)
      } else {
        flat.append(element)
      }
    }
  }
}

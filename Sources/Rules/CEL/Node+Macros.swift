extension Node.Comprehension {
  func evaluate(_ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue {
    let elements: CELList
    var map: CELMap?
    switch try range.evaluate(&frame) {
    case .list(let list): elements = list
    case .map(let entries):
      try frame.charge(entries.count * (second == nil ? 1 : 1 + entries.count >> 5), offset)
      elements = CELList(entries.keys)
      map = entries
    case let other: throw .noOverload("\(macro.rawValue)()", [other], offset)
    }
    var results: [CELValue] = []
    var entries: [(key: CELValue, value: CELValue)] = []
    var failure: CELError?
    var matches = 0
    for (position, element) in elements.enumerated() {
      try frame.charge(1, offset)
      set(element, position, of: map, &frame)
      let holds: Bool
      do throws(CELError) {
        holds = try check(offset, &frame)
      } catch {
        // As with `&&` and `||`, an element that decides the result absorbs errors of the others.
        guard macro == .all || macro == .exists, error.kind != .limit else { throw error }
        failure = failure ?? error
        continue
      }
      switch macro {
      case .all: if !holds { return false }
      case .exists: if holds { return true }
      case .existsOne: if holds { matches += 1 }
      case .filter: if holds { results.append(element) }
      case .map, .sortBy, .transformList: if holds, let result { results.append(try result.evaluate(&frame)) }
      case .transformMap:
        if holds, let result { entries.append((frame.locals[local], try result.evaluate(&frame))) }
      case .transformMapEntry:
        if holds, let result { entries += try self.entries(try result.evaluate(&frame), offset, &frame) }
      }
    }
    if let failure { throw failure }
    switch macro {
    case .all: return true
    case .exists: return false
    case .existsOne: return .bool(matches == 1)
    case .filter, .map, .transformList: return .list(results)
    case .sortBy: return .list(try elements.sorted(byKeys: CELList(results), "sortBy()", &frame))
    case .transformMap, .transformMapEntry:
      guard let map = CELMap(entries) else {
        throw CELError(offset: offset, message: "\(macro.rawValue)(): the map has a key twice")
      }
      return .map(map)
    }
  }

  /// Sets the macro variables: the element, or index and element; of a map the key, or key and value.
  private func set(_ element: CELValue, _ position: Int, of map: CELMap?, _ frame: inout Frame) {
    guard let second else { return frame.locals[local] = element }
    if let map {
      frame.locals[local] = element
      frame.locals[second] = map[element] ?? .null
    } else {
      frame.locals[local] = .int(Int64(position))
      frame.locals[second] = element
    }
  }

  private func check(_ offset: Int, _ frame: inout Frame) throws(CELError) -> Bool {
    guard let condition else { return true }
    let value = try condition.evaluate(&frame)
    guard case .bool(let holds) = value else {
      throw CELError(offset: offset, message: "the condition of \(macro.rawValue)() must be bool, not \(value.type)")
    }
    return holds
  }

  /// The entries of the map that `transformMapEntry` makes of one element.
  private func entries(
    _ value: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> [(key: CELValue, value: CELValue)] {
    guard case .map(let map) = value else {
      throw CELError(offset: offset, message: "the result of \(macro.rawValue)() must be a map, not \(value.type)")
    }
    try frame.charge(map.count * (1 + map.count >> 5), offset)
    return map.keys.map { ($0, map[$0] ?? .null) }
  }
}

extension Node.Binding {
  /// A failure of the value is one of the body only where the body uses it: cel-go evaluates values on demand.
  func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
    do throws(CELError) {
      frame.locals[local] = try value.evaluate(&frame)
      frame.failures[local] = nil
    } catch {
      if error.kind == .limit { throw error }
      frame.failures[local] = error
    }
    return try body.evaluate(&frame)
  }
}

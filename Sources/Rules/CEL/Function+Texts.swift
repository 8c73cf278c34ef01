extension Function {
  /// String methods: CEL's own, and those of the strings extension (github.com/google/cel-go, ext/README.md).
  ///
  /// Positions are in code points.
  static let texts: [Function] = [
    test("contains") { text, part in find(part, in: text, from: 0) != nil },
    test("startsWith") { text, part in text.starts(with: part) },
    test("endsWith") { text, part in text.count >= part.count && text.suffix(part.count).elementsEqual(part) },
    method("charAt", [Overload([.string, .int], .string)]) { (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let at = try position(arguments[1], upTo: text.count) else {
        return nil
      }
      return .string(at == text.count ? "" : String(Character(text[at])))
    },
    method("indexOf", [Overload([.string, .string], .int), Overload([.string, .string, .int], .int)]) {
      (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let part = try scalars(arguments[1], &frame) else {
        return nil
      }
      guard let start = arguments.count == 3 ? try position(arguments[2], upTo: text.count) : 0 else { return nil }
      try frame.charge((text.count + part.count) >> 2 + search(part, text), 0)
      return .int(Int64(find(part, in: text, from: start) ?? -1))
    },
    method("lastIndexOf", [Overload([.string, .string], .int), Overload([.string, .string, .int], .int)]) {
      (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let part = try scalars(arguments[1], &frame) else {
        return nil
      }
      guard let end = arguments.count == 3 ? try position(arguments[2], upTo: text.count) : text.count else {
        return nil
      }
      try frame.charge(search(part, text), 0)
      var at = min(end, text.count - part.count)
      while at >= 0 && !text[at...].starts(with: part) { at -= 1 }
      return .int(Int64(max(at, -1)))
    },
    method("substring", [Overload([.string, .int], .string), Overload([.string, .int, .int], .string)]) {
      (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let start = try position(arguments[1], upTo: text.count),
        let end = arguments.count == 3 ? try position(arguments[2], upTo: text.count) : text.count
      else { return nil }
      guard start <= end else { throw CELError(message: "substring(): the end \(end) is before the start \(start)") }
      return .string(string(text[start..<end]))
    },
    change("lowerAscii") { $0.map { ("A"..."Z").contains($0) ? Unicode.Scalar($0.value + 32)! : $0 } },
    change("upperAscii") { $0.map { ("a"..."z").contains($0) ? Unicode.Scalar($0.value - 32)! : $0 } },
    change("trim") { text in
      let head = text.drop { $0.properties.isWhitespace }
      return Array(
        head.prefix((head.lastIndex { !$0.properties.isWhitespace } ?? head.startIndex - 1) + 1 - head.startIndex))
    },
    method(
      "replace",
      [Overload([.string, .string, .string], .string), Overload([.string, .string, .string, .int], .string)]
    ) { (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let old = try scalars(arguments[1], &frame),
        let new = try scalars(arguments[2], &frame), let limit = count(arguments, 3)
      else { return nil }
      // The empty string matches before every code point and at the end.
      let places = text.count + 1
      let pieces =
        old.isEmpty
        ? try cut(text, times: limit < 0 ? places : min(limit, places), &frame)
        : try split(text, at: old, limit: limit < 0 ? -1 : limit &+ 1, &frame)
      try frame.charge(pieces.count + pieces.count * new.count >> 4, 0)
      return .string(string(pieces.joined(separator: new)))
    },
    method(
      "split", [Overload([.string, .string], .list(.string)), Overload([.string, .string, .int], .list(.string))]
    ) {
      (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let separator = try scalars(arguments[1], &frame),
        let limit = count(arguments, 2)
      else { return nil }
      if limit == 0 { return .list([CELValue]()) }
      // An empty separator splits into single code points, without empty strings at the ends.
      let pieces =
        separator.isEmpty && !text.isEmpty
        ? try cut(text, times: limit < 0 ? text.count : min(limit, text.count), &frame).dropFirst()
        : try split(text, at: separator, limit: limit, &frame)[...]
      return .list(pieces.map { .string(string($0)) })
    },
    method("join", [Overload([.list(.dyn)], .string), Overload([.list(.dyn), .string], .string)]) {
      (arguments, frame) throws(CELError) in
      guard case .list(let list) = arguments[0] else { return nil }
      var separator = ""
      if arguments.count == 2 {
        guard case .string(let given) = arguments[1] else { return nil }
        separator = given
      }
      var joined = ""
      for (index, element) in list.enumerated() {
        guard case .string(let text) = element else { return nil }
        try frame.charge(1 + (text.utf8.count + separator.utf8.count) >> 4, 0)
        joined += index == 0 ? text : separator + text
      }
      return .string(joined)
    },
  ]

  // MARK: Common signatures

  private static func test(
    _ name: String, _ holds: @escaping @Sendable ([Unicode.Scalar], [Unicode.Scalar]) -> Bool
  ) -> Function {
    method(name, [Overload([.string, .string], .bool)]) { (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame), let part = try scalars(arguments[1], &frame) else {
        return nil
      }
      if name == "contains" { try frame.charge(search(part, text), 0) }
      return .bool(holds(text, part))
    }
  }

  private static func change(
    _ name: String, _ apply: @escaping @Sendable ([Unicode.Scalar]) -> [Unicode.Scalar]
  ) -> Function {
    method(name, [Overload([.string], .string)]) { (arguments, frame) throws(CELError) in
      guard let text = try scalars(arguments[0], &frame) else { return nil }
      return .string(string(apply(text)))
    }
  }

  /// A string from its last code point to its first; nil for other values.
  static func reversed(_ value: CELValue, _ frame: inout Frame) throws(CELError) -> CELValue? {
    try scalars(value, &frame).map { .string(string($0.reversed())) }
  }

  // MARK: Parts

  private static func scalars(_ value: CELValue, _ frame: inout Frame) throws(CELError) -> [Unicode.Scalar]? {
    guard case .string(let text) = value else { return nil }
    try frame.charge(text.utf8.count >> 4, 0)
    return Array(text.unicodeScalars)
  }

  private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func position(_ value: CELValue, upTo end: Int) throws(CELError) -> Int? {
    guard case .int(let position) = value else { return nil }
    guard position >= 0 && position <= Int64(end) else {
      throw CELError(message: "index out of range: \(position), the string has \(end) characters")
    }
    return Int(position)
  }

  /// The optional last argument of `replace` and `split`: -1, the default, for no limit; nil when it is not an int.
  private static func count(_ arguments: [CELValue], _ index: Int) -> Int? {
    guard arguments.count > index else { return -1 }
    guard case .int(let count) = arguments[index] else { return nil }
    return Int(max(-1, count))
  }

  /// The worst-case cost of a naive search, in steps.
  private static func search(_ part: [Unicode.Scalar], _ text: [Unicode.Scalar]) -> Int {
    part.count > text.count ? 0 : (text.count - part.count + 1) * max(part.count, 1) >> 4
  }

  private static func find(_ part: [Unicode.Scalar], in text: [Unicode.Scalar], from start: Int) -> Int? {
    guard text.count - start >= part.count else { return nil }
    return (start...(text.count - part.count)).first { text[$0...].starts(with: part) }
  }

  /// Cuts a string before its first code point, before its second, and so on.
  /// - Parameter times: the number of cuts, at most one more than there are code points.
  /// - Returns: `times + 1` pieces; the first is empty unless `times` is 0.
  private static func cut(
    _ text: [Unicode.Scalar], times: Int, _ frame: inout Frame
  ) throws(CELError) -> [[Unicode.Scalar]] {
    try frame.charge(times, 0)
    return (0..<times).map { $0 == 0 ? [] : [text[$0 - 1]] } + [Array(text[max(0, times - 1)...])]
  }

  /// - Parameter limit: the maximum number of pieces; -1 for no limit.
  private static func split(
    _ text: [Unicode.Scalar], at separator: [Unicode.Scalar], limit: Int, _ frame: inout Frame
  ) throws(CELError) -> [[Unicode.Scalar]] {
    try frame.charge(search(separator, text), 0)
    var pieces: [[Unicode.Scalar]] = []
    var start = 0
    var at = 0
    while at <= text.count - max(separator.count, 1), limit < 0 || pieces.count < limit - 1 {
      if text[at...].starts(with: separator) {
        pieces.append(Array(text[start..<at]))
        start = at + separator.count
        at = max(start, at + 1)
      } else {
        at += 1
      }
    }
    pieces.append(Array(text[start...]))
    try frame.charge(pieces.count, 0)
    return pieces
  }
}

import Model

/// Builds nodes from events, on its own stack; enforces limits, checks keys and expands aliases.
struct YAMLComposer {
  /// The document's value; nil until it is complete.
  private(set) var root: Node?
  /// Wrong values and keys so far; they do not stop the reading.
  private(set) var problems: [Diagnostic] = []
  /// Whether the text has ended.
  private(set) var isComplete = false

  private let file: String
  private let limits: DocumentLimits
  private var open: [Collection] = []
  private var anchors: [Name: Anchored] = [:]
  private var total = 0
  private var documents = 0

  private static let mostProblems = 50

  init(file: String, limits: DocumentLimits) {
    self.file = file
    self.limits = limits
  }

  /// An anchor's value, and how much each alias of it adds.
  private struct Anchored {
    var node: Node
    var size: Size
  }

  /// The number of values and the depth of nesting; a scalar is 0 deep.
  private struct Size {
    var count = 1
    var depth = 0
  }

  /// A list or map that is still open.
  private struct Collection {
    var isMap: Bool
    var location: Location
    var anchor: String?
    var size = Size(count: 1, depth: 1)
    var nodes: [Node] = []
    var entries: [Node.Entry] = []
    /// The key whose value comes next.
    var key: (text: String, location: Location)?
    var keys = KeyPlaces()
  }

  /// The problem of a text without a document.
  static func isEmpty(_ file: String) -> Diagnostic {
    Diagnostic(Location(file: file, line: 1, column: 1), "the text is empty; expected a YAML document")
  }

  /// Handles the next event.
  /// - Throws: a problem that ends the reading.
  mutating func take(_ event: YAMLEvent) throws(Diagnostic) {
    let location = Location(file: file, line: event.line, column: event.column)
    switch event.kind {
    case .documentStart:
      documents += 1
      guard documents == 1 else {
        throw Diagnostic(location, "a second document begins here; expected one document in the file")
      }
    case .streamEnd:
      isComplete = true
      if documents == 0 { throw Self.isEmpty(file) }
    case .alias(let name): try expand(name, at: location)
    case .scalar(let text, let plain): try scalar(text, plain, event, at: location)
    case .listStart: try begin(isMap: false, event, at: location)
    case .mapStart: try begin(isMap: true, event, at: location)
    case .end: try end()
    case .other: break
    }
  }

  private mutating func report(_ location: Location, _ message: String) throws(Diagnostic) {
    if problems.count == Self.mostProblems { throw Diagnostic(location, message) }
    problems.append(Diagnostic(location, message))
  }

  private mutating func count(_ count: Int, at location: Location) throws(Diagnostic) {
    total += count
    if total > limits.nodes { throw Diagnostic(location, limits.nodesMessage) }
  }

  private mutating func scalar(
    _ text: String, _ plain: Bool, _ event: YAMLEvent, at location: Location
  ) throws(Diagnostic) {
    if isKeyNext {
      if plain && event.tag == nil && text == "<<" {
        try report(location, "merge keys ('<<') are not supported; write the entries out")
        return expectValue(of: text, at: location)
      }
    } else {
      try count(1, at: location)
    }
    var content = Node.Content.null
    do {
      content = try YAMLScalar.content(text, plain: plain, tag: event.tag)
    } catch {
      try report(location, error.message)
      // Keep a refused key as text, or it would be reported a second time for not being text.
      if isKeyNext { content = .string(text) }
    }
    try place(Node(content, location), Size(), anchor: event.anchor, written: text)
  }

  private mutating func begin(isMap: Bool, _ event: YAMLEvent, at location: Location) throws(Diagnostic) {
    try count(1, at: location)
    if open.count >= limits.depth { throw Diagnostic(location, limits.depthMessage) }
    if let tag = event.tag, tag != "!", tag != YAMLScalar.corePrefix + (isMap ? "map" : "seq") {
      try report(location, YAMLScalar.unknown(tag).message)
    }
    open.append(Collection(isMap: isMap, location: location, anchor: event.anchor))
  }

  private mutating func end() throws(Diagnostic) {
    guard let done = open.popLast() else { return }
    let node = Node(done.isMap ? .map(done.entries) : .list(done.nodes), done.location)
    try place(node, done.size, anchor: done.anchor)
  }

  private mutating func expand(_ name: String, at location: Location) throws(Diagnostic) {
    if open.contains(where: { $0.anchor == name }) {
      throw Diagnostic(location, "the alias *\(name) is inside the value that it refers to")
    }
    guard let anchored = anchors[Name(name)] else {
      try report(location, "the alias *\(name) has no anchor &\(name) before it")
      return try place(Node(.string(""), location), Size(), anchor: nil)
    }
    try count(anchored.size.count, at: location)
    if open.count + anchored.size.depth > limits.depth { throw Diagnostic(location, limits.depthMessage) }
    try place(Node(anchored.node.content, location), anchored.size, anchor: nil)
  }
}

extension YAMLComposer {
  private var isKeyNext: Bool {
    guard let last = open.last else { return false }
    return last.isMap && last.key == nil
  }

  private mutating func expectValue(of key: String, at location: Location) {
    open[open.count - 1].key = (key, location)
  }

  /// Adds a finished node to its parent: the document, a list, or a map as a key or a value.
  private mutating func place(
    _ node: Node, _ size: Size, anchor: String?, written: String? = nil
  ) throws(Diagnostic) {
    if let anchor { anchors[Name(anchor)] = Anchored(node: node, size: size) }
    if isKeyNext { return try takeKey(node, written: written) }
    let last = open.count - 1
    guard last >= 0 else {
      root = node
      return
    }
    open[last].size.count += size.count
    open[last].size.depth = max(open[last].size.depth, size.depth + 1)
    if let key = open[last].key {
      open[last].key = nil
      open[last].entries.append(Node.Entry(key: key.text, keyLocation: key.location, value: node))
    } else {
      open[last].nodes.append(node)
    }
  }

  private mutating func takeKey(_ node: Node, written: String?) throws(Diagnostic) {
    guard case .string(let key) = node.content else {
      let advice = written.map { "; write \"\($0.quotedForMessage.dropFirst().dropLast())\"" } ?? ""
      try report(node.location, "a key must be text, found \(node.kindName)\(advice)")
      return expectValue(of: "", at: node.location)
    }
    if let first = open[open.count - 1].keys.insert(key, node.location) {
      let message = "the key \(key.quotedForMessage) appears twice in one map; the first is at \(first)"
      try report(node.location, message)
    }
    expectValue(of: key, at: node.location)
  }
}

/// The locations of a map's keys so far: an array up to 16 keys, a dictionary beyond that.
private struct KeyPlaces {
  private var few: [(key: String, location: Location)] = []
  private var many: [Name: Location] = [:]

  /// Adds `key`.
  /// - Returns: the location of its first occurrence; nil when it is new.
  mutating func insert(_ key: String, _ location: Location) -> Location? {
    if many.isEmpty {
      if let first = few.first(where: { $0.key.isSame(as: key) }) { return first.location }
      few.append((key, location))
      if few.count > 16 { many = Dictionary(uniqueKeysWithValues: few.map { (Name($0.key), $0.location) }) }
      return nil
    }
    if let first = many[Name(key)] { return first }
    many[Name(key)] = location
    return nil
  }
}

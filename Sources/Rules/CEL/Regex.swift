/// A regular expression as a non-deterministic automaton (Thompson, "Regular Expression Search Algorithm", CACM 11(6),
/// 1968). A search simulates all states at once: it takes linear time and never backtracks.
struct Regex: Sendable {
  private enum Instruction: Sendable {
    case scalars(ScalarSet)
    case assertion(RegexSyntax.Assertion)
    case split(Int, Int)
    case jump(Int)
    case match
  }

  private static let greatestSize = 1000

  private var instructions: [Instruction] = []

  /// The number of states.
  var size: Int { instructions.count }

  /// Compiles a pattern.
  /// - Throws: a syntax error, or that the pattern needs more than 1,000 states.
  init(_ pattern: String) throws(CELError) {
    try compile(try RegexParser.parse(pattern))
    try emit(.match)
  }

  /// The worst-case cost of a search, in evaluation steps.
  func cost(of text: String) -> Int { (text.utf8.count + 1) * instructions.count >> 2 }

  private mutating func emit(_ instruction: Instruction) throws(CELError) {
    guard instructions.count < Self.greatestSize else {
      throw CELError(message: "regular expression: it needs more than \(Self.greatestSize) states; repeat less")
    }
    instructions.append(instruction)
  }

  private mutating func compile(_ syntax: RegexSyntax) throws(CELError) {
    switch syntax {
    case .empty: break
    case .scalars(let set): try emit(.scalars(set))
    case .assertion(let assertion): try emit(.assertion(assertion))
    case .sequence(let parts): for part in parts { try compile(part) }
    case .alternatives(let branches):
      var ends: [Int] = []
      for (index, branch) in branches.enumerated() {
        let split = instructions.count
        if index < branches.count - 1 { try emit(.split(split + 1, 0)) }
        try compile(branch)
        if index < branches.count - 1 {
          ends.append(instructions.count)
          try emit(.jump(0))
          instructions[split] = .split(split + 1, instructions.count)
        }
      }
      for end in ends { instructions[end] = .jump(instructions.count) }
    case .repetition(let part, let least, let most):
      for _ in 0..<least { try compile(part) }
      guard let most else {
        let split = instructions.count
        try emit(.split(split + 1, 0))
        try compile(part)
        try emit(.jump(split))
        instructions[split] = .split(split + 1, instructions.count)
        return
      }
      var splits: [Int] = []
      for _ in least..<most {
        splits.append(instructions.count)
        try emit(.split(instructions.count + 1, 0))
        try compile(part)
      }
      for split in splits { instructions[split] = .split(split + 1, instructions.count) }
    }
  }

  /// Whether the pattern matches anywhere in `text`.
  func isFound(in text: String) -> Bool {
    let scalars = text.unicodeScalars.map(\.value)
    var states = States(count: instructions.count)
    var next = states
    for at in 0...scalars.count {
      // A match may begin anywhere.
      if follow(0, at, scalars, &states) { return true }
      guard at < scalars.count else { return false }
      next.clear()
      for state in states.list {
        guard case .scalars(let set) = instructions[state], set.contains(scalars[at]) else { continue }
        if follow(state + 1, at + 1, scalars, &next) { return true }
      }
      swap(&states, &next)
    }
    return false
  }

  /// The set of active states at one position.
  private struct States {
    var list: [Int] = []
    var isIn: [Bool]

    init(count: Int) { isIn = Array(repeating: false, count: count) }

    mutating func clear() {
      for state in list { isIn[state] = false }
      list.removeAll(keepingCapacity: true)
    }
  }

  /// Adds the states that are reachable from `start` without consuming a character.
  /// - Returns: true when the end of the pattern is reachable.
  private func follow(_ start: Int, _ at: Int, _ scalars: [UInt32], _ states: inout States) -> Bool {
    var pending = [start]
    while let state = pending.popLast() {
      guard !states.isIn[state] else { continue }
      states.isIn[state] = true
      states.list.append(state)
      switch instructions[state] {
      case .match: return true
      case .jump(let target): pending.append(target)
      case .split(let first, let second): pending += [second, first]
      case .assertion(let assertion): if holds(assertion, at, scalars) { pending.append(state + 1) }
      case .scalars: break
      }
    }
    return false
  }

  private func holds(_ assertion: RegexSyntax.Assertion, _ at: Int, _ scalars: [UInt32]) -> Bool {
    func isWord(_ index: Int) -> Bool { scalars.indices.contains(index) && ScalarSet.word.contains(scalars[index]) }
    return switch assertion {
    case .textStart: at == 0
    case .textEnd: at == scalars.count
    case .lineStart: at == 0 || scalars[at - 1] == 10
    case .lineEnd: at == scalars.count || scalars[at] == 10
    case .wordBoundary: isWord(at - 1) != isWord(at)
    case .noWordBoundary: isWord(at - 1) == isWord(at)
    }
  }
}

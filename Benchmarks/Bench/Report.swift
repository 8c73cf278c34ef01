import Linux

/// Prints figures as they are measured: what, the figure, the goal it is held against.
enum Report {
  /// A heading.
  static func section(_ title: String) { say("\n\(title)") }

  /// One figure.
  /// - Parameter goal: what the design asks for; nil when it names none.
  static func line(_ what: String, _ figure: String, goal: String? = nil) {
    let padded = what + String(repeating: " ", count: max(1, 44 - what.count))
    say("  \(padded)\(figure)\(goal.map { "   [goal \($0)]" } ?? "")")
  }

  /// At once, so that the lines of a process that measures for this one come in their order.
  static func say(_ line: String) { try? System.writeAll(1, Array("\(line)\n".utf8)) }
}

import Linux

/// Prints measured figures with their goals.
enum Report {
  static func section(_ title: String) { say("\n\(title)") }

  /// Prints one figure.
  /// - Parameter goal: the goal of the design; nil for none.
  static func line(_ what: String, _ figure: String, goal: String? = nil) {
    let padded = what + String(repeating: " ", count: max(1, 44 - what.count))
    say("  \(padded)\(figure)\(goal.map { "   [goal \($0)]" } ?? "")")
  }

  /// Prints a line without buffering, so that the lines of child processes appear in order.
  static func say(_ line: String) { try? System.writeAll(1, Array("\(line)\n".utf8)) }
}

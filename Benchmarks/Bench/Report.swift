/// Prints figures as they are measured: what, the figure, the goal it is held against.
enum Report {
  /// A heading.
  static func section(_ title: String) { print("\n\(title)") }

  /// One figure.
  /// - Parameter goal: what the design asks for; nil when it names none.
  static func line(_ what: String, _ figure: String, goal: String? = nil) {
    let padded = what + String(repeating: " ", count: max(1, 44 - what.count))
    print("  \(padded)\(figure)\(goal.map { "   [goal \($0)]" } ?? "")")
  }
}

import Model

/// The output for budgets (`docs/control.md`, 4.13).
package enum BudgetTable {
  /// The output of `budget`: a table of all budgets in the result.
  /// - Parameter result: the result of `daemon.budgets`.
  package static func lines(_ result: Value) -> [String] {
    var table = Table(
      ["AGENT", "BUDGET", "USED", "LIMIT", "WINDOW", "SHARE", "METER", "STEP", "HELD"], rightAligned: [2, 3, 4, 5])
    for agent in result["agents"]?.list ?? [] {
      for budget in agent["budgets"]?.list ?? [] { table.add([agent["agent"]?.string ?? "-"] + row(budget)) }
    }
    for budget in result["board"]?.list ?? [] { table.add(["(board)"] + row(budget)) }
    return table.lines
  }

  private static func row(_ budget: Value) -> [String] {
    let unit = budget["unit"]?.string ?? ""
    func amount(_ name: String) -> String { budget[name]?.int.map { BudgetText.amount($0, unit: unit) } ?? "" }
    let refused = budget["refused"]?.int ?? 0
    let why = budget["why"]?.string.map { ": \($0)" } ?? ""
    let byKernel =
      budget["kernel_limit"]?.int != nil && budget["enforcement"]?.string == "enforced" ? " by the kernel" : ""
    return [
      budget["budget"]?.string ?? "",
      isMetered(budget) ? amount("used") + (refused > 0 ? " +\(amount("refused")) refused" : "") : "",
      amount("limit"), budget["window_ms"]?.int.map { Duration.milliseconds($0).text } ?? "",
      isMetered(budget) ? BudgetText.percent(budget.map ?? [:]) ?? "" : "", budget["meter"]?.string ?? "",
      budget["step"]?.string ?? "", "\(words(budget["enforcement"]?.string ?? ""))\(byKernel)\(why)",
    ]
  }

  /// The budget cell of `ps`: the budget nearest to its limit, and the limits that are not enforced or not metered.
  package static func summary(_ agent: Value) -> String {
    let budgets = agent["budgets"]?.list ?? []
    let limited = budgets.filter { $0["limit"]?.int != nil }
    var parts: [String] = []
    let worst = limited.filter(isMetered).max { (height($0), share($0)) < (height($1), share($1)) }
    if let worst, share(worst) > 0 || height(worst) > 0 {
      let step = height(worst) > 0 ? " \(worst["step"]?.string ?? "")" : ""
      parts.append("\(worst["budget"]?.string ?? "-") \(BudgetText.percent(worst.map ?? [:]) ?? "")\(step)")
    }
    for budget in limited where ["not-enforced", "not-metered"].contains(budget["enforcement"]?.string) {
      parts.append("\(budget["budget"]?.string ?? "-") \(words(budget["enforcement"]?.string ?? ""))")
    }
    return parts.joined(separator: ", ")
  }

  private static func height(_ budget: Value) -> Int {
    ["normal", "warned", "throttled", "exceeded"].firstIndex(of: budget["step"]?.string) ?? 0
  }

  private static func share(_ budget: Value) -> Double {
    guard let used = budget["used"]?.int, let limit = budget["limit"]?.int, limit > 0 else { return 0 }
    return Double(used) / Double(limit)
  }

  private static func isMetered(_ budget: Value) -> Bool {
    switch budget["enforcement"]?.string {
    case "not-metered": false
    // A budget that is not enforced may have no meter either.
    case "not-enforced": (budget["used"]?.int ?? 0) > 0
    default: true
    }
  }

  private static func words(_ name: String) -> String { String(name.map { $0 == "-" ? " " : $0 }) }
}

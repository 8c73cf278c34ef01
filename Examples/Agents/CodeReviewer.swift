import OpenStarryAgent

/// Reads the patch of a pushed commit, written by the repository's hook, and logs lines that need a reviewer's attention.
struct CodeReviewer: Agent {
  private var reviews: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard let patch = event["patch"]?.string else {
      throw AgentError(.invalid, "\(event.type) names no patch file: is the hook of Examples/git-review installed?")
    }
    let commit = event["commit"]?.string ?? "unknown"
    let author = event["author"]?.string ?? "somebody"
    let findings = Self.review(try context.file(patch))
    reviews += 1
    context.log(
      "commit \(commit.prefix(10)) by \(author) on \(event["branch"]?.string ?? "?"): "
        + "\(findings.added) lines added, \(findings.removed) removed in \(findings.files) files, "
        + "\(findings.count) findings")
    for remark in findings.remarks { context.log("\(commit.prefix(10)): \(remark)", .warning) }
    if findings.count > findings.remarks.count {
      context.log("\(commit.prefix(10)): … and \(findings.count - findings.remarks.count) more", .warning)
    }
    try context.emit("review:finished", ["commit": .string(commit), "findings": .int(Int64(findings.count))])
  }

  func snapshot() -> Value { ["reviews": .int(reviews)] }
}

import OpenStarryAgent

/// Reads a pushed commit, as the patch that the repository's hook wrote, and says what a reviewer would look at.
struct CodeReviewer: Agent {
  private var reviews: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard let patch = event["patch"]?.string else {
      throw AgentError(.invalid, "\(event.type) names no patch file: is the hook of Examples/git-review installed?")
    }
    let commit = event["commit"]?.string ?? "unknown"
    let author = event["author"]?.string ?? "somebody"
    let findings = Self.review(String(decoding: try context.file(patch), as: UTF8.self))
    reviews += 1
    context.log(
      "commit \(commit.prefix(10)) by \(author) on \(event["branch"]?.string ?? "?"): "
        + "\(findings.added) lines added, \(findings.removed) removed in \(findings.files) files, "
        + "\(findings.remarks.count) findings")
    for remark in findings.remarks { context.log("\(commit.prefix(10)): \(remark)", .warning) }
    try context.emit(
      "review:finished", ["commit": .string(commit), "findings": .int(Int64(findings.remarks.count))])
  }

  func snapshot() -> Value { ["reviews": .int(reviews)] }

  /// What one patch holds.
  struct Findings {
    var files = 0
    var added = 0
    var removed = 0
    var remarks: [String] = []
  }

  /// Looks through a unified diff for what should not be merged unseen.
  static func review(_ patch: String) -> Findings {
    let rules: [(text: String, remark: String)] = [
      ("<<<<<<< ", "a merge conflict marker"), ("BEGIN PRIVATE KEY", "a private key"),
      ("BEGIN RSA PRIVATE KEY", "a private key"), ("password=", "a password"), ("FIXME", "an unfinished place"),
    ]
    var findings = Findings()
    var file = ""
    var line = 0
    for text in patch.split(separator: "\n", omittingEmptySubsequences: false) {
      if text.hasPrefix("+++ ") {
        findings.files += 1
        file = String(text.dropFirst(text.hasPrefix("+++ b/") ? 6 : 4))
      } else if text.hasPrefix("@@ ") {
        // `@@ -old,count +new,count @@`: the new file's line number.
        let new = text.split(separator: " ").first { $0.hasPrefix("+") } ?? ""
        line = (new.dropFirst().split(separator: ",").first.flatMap { Int($0) } ?? 1) - 1
      } else if text.hasPrefix("+") {
        findings.added += 1
        line += 1
        for rule in rules where text.contains(rule.text) {
          findings.remarks.append("\(file):\(line): \(rule.remark)")
        }
        if text.utf8.count > 200 { findings.remarks.append("\(file):\(line): a line of \(text.utf8.count) bytes") }
      } else if text.hasPrefix("-") && !text.hasPrefix("--- ") {
        findings.removed += 1
      } else if text.hasPrefix(" ") {
        line += 1
      }
    }
    return findings
  }
}

import Model

/// The output for what is registered (`docs/control.md`, `registry.list` and `registry.inspect`).
package enum RegistryText {
  /// The output of `agent list`.
  /// - Parameters:
  ///   - agents: entries of `registry.list`.
  ///   - unusable: why others cannot run, by agent.
  package static func table(_ agents: [Value], unusable: Fields = [:]) -> [String] {
    var table = Table(["AGENT ID", "VERSION", "DRIVER", "LIFECYCLE", "ENABLED", "STATUS", "MANIFEST"])
    for agent in agents {
      table.add([
        text(agent, "agent"), text(agent, "version"), text(agent, "driver"), text(agent, "lifecycle"),
        isEnabled(agent) ? "yes" : "no", AgentText.state(agent), text(agent, "file"),
      ])
    }
    let broken = unusable.map { id, why in "\(id.printable) cannot run: \((why.string ?? "-").printable)" }
    if agents.isEmpty, broken.isEmpty { return ["no agents; in safe mode none are loaded ('openstarry status')"] }
    return (agents.isEmpty ? [] : table.lines) + broken
  }

  /// The output of `agent inspect`: one fact on a line.
  /// - Parameters:
  ///   - agent: the result of `registry.inspect`.
  ///   - hash: the SHA-256 of its program or module; nil to leave it out.
  package static func page(_ agent: Value, hash: String? = nil) -> [String] {
    var facts: [(String, String)] = [
      ("agent", "\(text(agent, "agent")), version \(text(agent, "version"))"), ("name", text(agent, "name")),
      ("description", text(agent, "description")), ("manifest", text(agent, "file")),
      ("runs", "\(text(agent, "entry")) (\(text(agent, "driver"))), \(text(agent, "lifecycle"))"),
      ("SHA-256 of its file", hash ?? ""), ("enabled", isEnabled(agent) ? "yes" : "no"),
      ("subscribes to", list(agent["subscribe"])),
      ("plugins", list(agent["plugins"])),
    ]
    for (name, granted) in agent["permissions"]?.map ?? [:] {
      facts.append(
        ("may: \(name)", granted.int.map(EventSentence.byteCount) ?? (granted.list == nil ? "yes" : list(granted))))
    }
    facts.append(("named by rules", list(agent["rules"])))
    if let status = agent["status"] {
      facts.append(("state", AgentText.sentence(status)))
      for (name, key) in [("last error", "last_error"), ("last refusal", "last_refusal")] {
        if let why = status[key]?.string { facts.append((name, why)) }
      }
    }
    let shown = facts.filter { !$0.1.isEmpty }
    let width = shown.map(\.0.count).max() ?? 0
    return shown.map { name, value in
      name.printable + String(repeating: " ", count: width - name.count + 2) + value.printable
    }
  }

  /// The line about rules that wait for a removed agent; none when no rule names it.
  /// - Parameter result: the result of `registry.unregister`.
  package static func waiting(_ result: Value) -> [String] {
    let rules = (result["rules"]?.list ?? []).compactMap { $0.string?.printable }
    return rules.isEmpty
      ? [] : ["rules that name it wait until it is registered again: \(rules.joined(separator: ", "))"]
  }

  private static func text(_ agent: Value, _ key: String) -> String { agent[key]?.string ?? "" }

  private static func isEnabled(_ agent: Value) -> Bool { agent["enabled"]?.bool ?? true }

  private static func list(_ values: Value?) -> String {
    (values?.list ?? []).compactMap(\.string).joined(separator: ", ")
  }
}

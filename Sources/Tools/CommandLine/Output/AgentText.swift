import Model

/// The output for agents and their logs (`docs/control.md`, 4.2 and 4.3). A missing field is shown as `-`.
package enum AgentText {
  /// The output of `ps`: a table of agents, each with the budget nearest to its limit, and the number of running
  /// agents.
  /// - Parameter isVerbose: adds the isolation, the counters, and the reason for the last exit.
  package static func table(_ agents: [Value], isVerbose: Bool) -> [String] {
    var headings = ["AGENT ID", "PID", "STATUS", "UPTIME", "LOG FILE", "BUDGET"]
    if isVerbose {
      headings += [
        "DRIVER", "DONE", "FAILED", "REFUSED", "RESTARTS", "WAITING", "DROPPED", "LAST EXIT", "LAST ERROR",
        "LAST REFUSAL",
      ]
    }
    var table = Table(headings, rightAligned: [1, 3, 7, 8, 9, 10, 11, 12])
    for agent in agents {
      var row = [id(agent), pid(agent), status(agent), uptime(agent), agent["log_file"]?.string ?? ""]
      row.append(BudgetTable.summary(agent))
      if isVerbose {
        row.append(agent["driver"]?.string ?? "")
        row += ["activations", "failures", "refusals", "restarts", "queued", "dropped"].map { agent[$0]?.text() ?? "" }
        row += ["last_exit", "last_error", "last_refusal"].map { agent[$0]?.string ?? "" }
      }
      table.add(row)
    }
    return table.lines + ["\(agents.filter(isRunning).count) agent(s) running"]
  }

  /// The output of `ps --tree`: lines `name [id] (pid N) [status] gen=G depth=D`, children below their parents.
  /// - Parameter nodes: the result of `agent.processTree`.
  package static func tree(_ nodes: [Value], depth: Int = 0) -> [String] {
    nodes.flatMap { node -> [String] in
      let agent = node["entry"] ?? node
      let (id, pid) = (id(agent).printable, pid(agent))
      let line =
        String(repeating: "  ", count: depth) + "\(agent["name"]?.string?.printable ?? id) [\(id)]"
        + " (pid \(pid.isEmpty ? "-" : pid)) [\(state(agent).printable)]"
        + " gen=\(agent["restarts"]?.int ?? 0) depth=\(depth)"
      // The daemon's trees are at most three deep; the bound protects against a malformed answer.
      return [line] + (depth < 16 ? tree(node["children"]?.list ?? [], depth: depth + 1) : [])
    }
  }

  /// The output of `spawn`, `kill` and `restart`: `climate is ready`, `climate is idle (killed)`.
  package static func sentence(_ agent: Value) -> String {
    let isAtRest = !isRunning(agent)
    let why = isAtRest ? agent["last_exit"]?.string.map { " (\($0.printable))" } ?? "" : ""
    let pid = agent["pid"]?.int.map { ", pid \($0)" } ?? ""
    return "\(id(agent).printable) is \(state(agent).printable)\(why)\(pid)"
  }

  /// A log line: `14:03:21.120  warning  cannot read the sensor`; the level `info` is omitted.
  /// - Parameters:
  ///   - showsAgent: whether to add the agent's id, for the logs of several agents.
  ///   - utcOffset: seconds that local time is ahead of UTC at a time in milliseconds since 1970.
  package static func logLine(_ line: Value, showsAgent: Bool, colour: Bool, utcOffset: (UInt64) -> Int) -> String {
    let milliseconds = UInt64(clamping: line["time"]?.int ?? 0)
    let time = EventLine.timeOfDay(milliseconds: milliseconds, utcOffset: utcOffset(milliseconds))
    let level = line["level"]?.string?.printable ?? "info"
    let agent = showsAgent ? Paint.blue(line["agent"]?.string?.printable ?? "-", colour) + "  " : ""
    let label =
      switch level {
      case "info": ""
      case "debug", "notice": Paint.faint(level, colour) + "  "
      case "warning": Paint.yellow(level, colour) + "  "
      default: Paint.red(level, colour) + "  "
      }
    return Paint.faint(time, colour) + "  " + agent + label + (line["message"]?.string?.printable ?? "")
  }

  private static func id(_ agent: Value) -> String { agent["agent"]?.string ?? "-" }

  private static func pid(_ agent: Value) -> String { agent["pid"]?.int.map { "\($0)" } ?? "" }

  /// A disabled agent that does not run is `disabled`, whatever its lifecycle says.
  static func state(_ agent: Value) -> String {
    let state = agent["state"]?.string ?? "-"
    return agent["enabled"]?.bool == false && state == "idle" ? "disabled" : state
  }

  /// The state, with the reason if it is none of the agent's own.
  private static func status(_ agent: Value) -> String {
    let isWaiting = agent["state"]?.string == "backoff" && agent["last_exit"]?.string == "engine.away"
    return (isWaiting ? "backoff (engine.away)" : state(agent)) + (agent["shadow"]?.bool == true ? ", shadow" : "")
  }

  private static func uptime(_ agent: Value) -> String {
    agent["uptime_ms"]?.int.map { Span.text(.milliseconds($0)) } ?? ""
  }

  private static func isRunning(_ agent: Value) -> Bool {
    ["starting", "ready", "active", "draining", "stopping"].contains(state(agent))
  }
}

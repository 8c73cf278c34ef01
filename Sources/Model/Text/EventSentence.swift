import OpenStarryAgent

/// What an event says, as a person would say it: `fan on (held by agent/climate, lease 60s)`.
///
/// Events that the daemon itself makes have sentences of their own; any other is shown by its payload. A payload that
/// lacks a field, or has another kind of value in it, still gives a line: anybody may emit events of any shape.
public enum EventSentence {
  /// The sentence, printable, on one line, without a full stop.
  public static func text(_ event: Event) -> String {
    let parts = event.type.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let (domain, verb) = (parts[0], parts.count == 2 ? parts[1].printable : "")
    let known: String? =
      switch domain {
      case "sensor": sensor(event, verb)
      case "input": input(event, verb)
      case "camera": camera(event, verb)
      case "device": device(event, verb)
      case "agent": agent(event, verb)
      case "rule": rule(event, verb)
      case "budget": budget(event, verb)
      case "timer": "timer \(verb)"
      case "system": system(event, verb)
      default: nil
      }
    return known ?? other(event)
  }

  /// `branch main, author Ada`: the payload's fields in order, without those in `except`.
  public static func fields(_ payload: Fields, except: [String] = []) -> String {
    var text = payload.filter { !except.contains($0.key) }.prefix(12)
      .map { "\($0.key.printable) \($0.value.text(limit: 60))" }.joined(separator: ", ")
    if payload.count > 12 + except.count { text += ", …" }
    return text
  }

  // MARK: hardware

  private static func sensor(_ event: Event, _ verb: String) -> String? {
    guard let value = event["value"] else { return nil }
    return "\(verb) \(reading(value, unit: event["unit"]?.string, quality: event["quality"]?.string))"
  }

  /// `30.4 °C`, with ` (stale)` or ` (suspect)` where it is not good.
  public static func reading(_ value: Value, unit: String?, quality: String?) -> String {
    let unit = (unit ?? "").printable
    let doubt = quality.map { $0 == "good" ? "" : " (\($0.printable))" } ?? ""
    return value.text() + (unit.isEmpty ? "" : " \(unit)") + doubt
  }

  private static func input(_ event: Event, _ verb: String) -> String? {
    event["active"]?.bool.map { "\(verb) \($0 ? "pressed" : "released")" }
  }

  private static func camera(_ event: Event, _ verb: String) -> String? {
    let camera = subject(event, "device")
    switch verb {
    case "motion":
      let share = event["fraction"]?.double.map { " (\(percent($0)) of the picture)" } ?? ""
      return "\(camera) sees motion\(share)"
    case "snapshot":
      let size = event["bytes"]?.int.map { " (\(byteCount($0)))" } ?? ""
      return "\(camera) took a picture\(size)"
    default: return nil
    }
  }

  private static func device(_ event: Event, _ verb: String) -> String? {
    let device = subject(event, "device")
    switch verb {
    case "changed":
      guard let state = event["state"]?.double else { return nil }
      return "\(device) \(level(state))\(reason(event))"
    case "limited":
      let limit = span(event, "limit").map { " of \($0)" } ?? ""
      let holder = event["holder"]?.string.map { " (held by \($0.printable))" } ?? ""
      return "\(device) has reached its \(event["rule"]?.string?.printable ?? "limit")\(limit)\(holder)"
    case "fault":
      let operation = event["operation"]?.string?.printable ?? "work"
      return "\(device) failed to \(operation): \(event["fault"]?.string?.printable ?? "for an unknown reason")"
    case "recovered": return "\(device) works again"
    case "lost": return "\(device) has gone"
    case "back": return "\(device) is back"
    case "overrun":
      return "\(device) changed faster than it could be read: \(event["lost"]?.text() ?? "some") edge(s) lost"
    default: return nil
    }
  }

  /// `on`, `off`, or `40%`.
  public static func level(_ state: Double) -> String {
    state == 0 ? "off" : state == 1 ? "on" : percent(state)
  }

  /// Who holds it and for how long; or, where nobody does, how it came to that.
  private static func reason(_ event: Event) -> String {
    let holder = event["holder"]?.string?.printable
    let reason = event["reason"]?.string?.printable ?? "command"
    var parts: [String] = []
    if let lease = event["lease_ms"]?.int, lease > 0 {
      parts.append("held by \(holder ?? "-")")
      if reason != "command" { parts.append(words(reason)) }
      parts.append("lease \(Duration.milliseconds(lease).text)")
    } else if reason != "command" {
      parts.append(words(reason))
    } else if let holder {
      parts.append("by \(holder)")
    }
    return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
  }

  // MARK: agents, rules, budgets, the daemon

  private static func agent(_ event: Event, _ verb: String) -> String? {
    let agent = "agent \(subject(event, "agent"))"
    switch verb {
    case "activated": return "\(agent) woke" + folded(event)
    case "started":
      let restarts = event["restarts"]?.int ?? 0
      return "\(agent) started" + (restarts > 0 ? " (restart \(restarts))" : "")
    case "stopped": return "\(agent) stopped\(because(event))"
    case "failed": return "\(agent) failed\(because(event))"
    case "backoff": return "\(agent) starts again" + (span(event, "delay").map { " in \($0)" } ?? "")
    case "quarantined":
      let times = event["restarts"]?.int.map { " after \($0) restart(s)" } ?? ""
      return "\(agent) is quarantined\(times)\(because(event))"
    case "struck":
      let strikes = "\(event["strikes"]?.text() ?? "-") of \(event["limit"]?.text() ?? "-")"
      return "\(agent) has ended the daemon, strike \(strikes)\(because(event))"
    case "overloaded":
      return "\(agent) has \(event["waiting"]?.text() ?? "too many") event(s) waiting; one was dropped"
    case "log": return "\(subject(event, "agent")): \(event["message"]?.string?.printable ?? "")"
    case "registered", "unregistered": return "\(agent) \(verb)"
    default: return nil
    }
  }

  private static func rule(_ event: Event, _ verb: String) -> String? {
    let rule = "rule \(subject(event, "rule"))"
    switch verb {
    case "fired": return "\(rule) matched" + folded(event)
    case "error":
      let action = event["action"]?.string.map { " at '\($0.printable)'" } ?? ""
      return "\(rule) failed\(action)\(because(event))"
    case "loaded": return "\(event["rules"]?.text() ?? "-") rule(s) loaded"
    default: return nil
    }
  }

  private static func budget(_ event: Event, _ verb: String) -> String? {
    let whose = event["agent"]?.string.map { "agent \($0.printable)" } ?? "the board"
    guard verb != "capped" else { return "\(whose)\(because(event))" }
    guard let budget = event["budget"]?.string?.printable else { return nil }
    let share = BudgetText.share(event.payload)
    switch verb {
    case "warning":
      let percent = BudgetText.percent(event.payload) ?? "most"
      return "\(whose) has used \(percent) of its \(budget) budget (\(share))"
    case "throttled": return "\(whose) has used up its \(budget) budget and is slowed down (\(share))"
    case "exceeded" where event["agent"] == nil:
      return "\(whose) uses more than its \(budget) budget: agents stop, the least important first (\(share))"
    case "exceeded": return "\(whose) \(excess(event)) its \(budget) budget and is stopped (\(share))"
    case "recovered": return "\(whose) is within its \(budget) budget again (\(share))"
    default: return nil
    }
  }

  /// How far beyond. Who runs an agent may end it for what it was not given: then it has less than all of it.
  private static func excess(_ event: Event) -> String {
    let asked = Double(event["used"]?.int ?? 0) + Double(event["refused"]?.int ?? 0)
    let limit = Double(event["limit"]?.int ?? 0)
    return asked <= limit ? "needs more than" : asked > limit * 2 ? "went far beyond" : "went beyond"
  }

  private static func system(_ event: Event, _ verb: String) -> String? {
    switch verb {
    case "command":
      let rest = fields(event.payload, except: ["method", "client", "pid"])
      return "\(subject(event, "client")) asked for \(event["method"]?.string?.printable ?? "something")"
        + (rest.isEmpty ? "" : " (\(rest))")
    case "safe_mode": return "safe mode: no agents, no rules, outputs safe\(because(event))"
    case "safe_mode_left": return "safe mode is over: rules and agents run again"
    case "unclean_start": return "the last run of the daemon ended badly\(because(event))"
    case "late":
      let longest = event["longest"]?.string.map { "; longest: \($0.printable)" } ?? ""
      return "the loop turned \(span(event, "by") ?? "-") late: \(event["cause"]?.string?.printable ?? "-")\(longest)"
    case "stuck":
      return "\(event["what"]?.string?.printable ?? "something") does not move for \(span(event, "for") ?? "-")"
    case "moving": return "\(event["what"]?.string?.printable ?? "something") moves again"
    case "pressure":
      let resource = event["resource"]?.string?.printable ?? "something"
      return event["short"]?.bool == true
        ? "the board is short of \(resource)" : "the board has enough \(resource) again"
    case "guardian_lost": return "outputs are without a guardian\(because(event))"
    case "guardian_deaf":
      let process = event["pid"]?.int.map { " (process \($0))" } ?? ""
      return "the guardian of the daemon before\(process) does not answer, and "
        + (event["ended"]?.bool == true
          ? "was ended: nothing is taken over from it"
          : "cannot be ended: it may keep outputs from this daemon, or drive them later")
    case "guardian_back": return "outputs have a guardian again"
    case "guardian_report": return guardianReport(event)
    case "guardian_overruled":
      let fate = event["error"]?.int.map { "could NOT make \(subject(event, "device")) safe (error \($0))" }
      let late = span(event, "late").map { " \($0)" } ?? ""
      return "the daemon did not answer: its guardian \(fate ?? "made \(subject(event, "device")) safe")"
        + ", held by \(event["holder"]?.string?.printable ?? "-"),\(late) after its lease had ended"
    case "chain_cut":
      return "chain cut at \(event["event"]?.string?.printable ?? "-"): more than \(event["limit"]?.text() ?? "-") hops"
    case "emergency_stop":
      return "EMERGENCY STOP by \(subject(event, "by"))"
        + (event["reason"]?.string.map { ": \($0.printable)" } ?? "")
    case "emergency_stop_cleared": return "emergency stop cleared by \(subject(event, "by"))"
    default:
      let rest = fields(event.payload)
      return rest.isEmpty ? words(verb) : "\(words(verb)): \(rest)"
    }
  }

  private static func guardianReport(_ event: Event) -> String {
    let outputs: [String] = (event["outputs"]?.list ?? []).map { output in
      let fields = output.map ?? [:]
      let holder = fields["holder"]?.string.map { " was held by \($0.printable)" } ?? ""
      let fate =
        switch fields["outcome"]?.string {
        case "held": "still is"
        case "failed": "is NOT SAFE: \(fields["error"]?.string?.printable ?? "-")"
        default: "is safe"
        }
      let and = holder.isEmpty ? "" : "\(holder) and"
      return "\(fields["device"]?.string?.printable ?? "-")\(and) \(fate)"
    }
    let daemon = event["daemon"].map { " (process \($0.text()))" } ?? ""
    let time = event["took_us"]?.int.map { " in \(Duration.microseconds($0).text)" } ?? ""
    let rest = outputs.isEmpty ? "" : ": \(outputs.prefix(12).joined(separator: "; "))"
    let count = event["count"]?.text() ?? "-"
    guard event["left"]?.bool != true else {
      return "the daemon before\(daemon) ended and left its guardian \(count) outputs that refused to be safe\(rest)"
    }
    return "the daemon before\(daemon) died; its guardian saw to \(count) outputs\(time)\(rest)"
  }

  private static func other(_ event: Event) -> String {
    let rest = fields(event.payload)
    return rest.isEmpty ? "from \(event.source.printable)" : rest
  }

  // MARK: words

  /// What the event is about: the field `name`, else its source without the kind before `/`.
  private static func subject(_ event: Event, _ name: String) -> String {
    let source = event.source.split(separator: "/", maxSplits: 1).last ?? "-"
    return (event[name]?.string ?? String(source)).printable
  }

  /// Why, in the sender's words: what it said, else the reason's name.
  private static func because(_ event: Event) -> String {
    for name in ["message", "error", "reason"] {
      if let text = event[name]?.string, !text.isEmpty { return ": \(text.printable)" }
    }
    return ""
  }

  /// How many events were folded into one, where it is more than one.
  private static func folded(_ event: Event) -> String {
    guard let count = event["count"]?.int, count > 1 else { return "" }
    return " (\(count) events in one)"
  }

  /// `lease-expired` as `lease expired`.
  private static func words(_ name: String) -> String { String(name.map { $0 == "-" || $0 == "_" ? " " : $0 }) }

  /// A length of time: text as it is, or the field with `_ms` behind its name.
  private static func span(_ event: Event, _ name: String) -> String? {
    if let text = event[name]?.string { return text.printable }
    return event["\(name)_ms"]?.int.map { Duration.milliseconds($0).text }
  }

  private static func percent(_ fraction: Double) -> String {
    let hundred = fraction * 100
    return "\((hundred.magnitude >= 1 ? hundred.rounded() : hundred).text)%"
  }

  /// `640 B`, `30.5 KiB`, `2 MiB`: in the units that limits are written in.
  public static func byteCount(_ count: Int64) -> String {
    func tenths(_ size: Int64) -> String { ((Double(count) / Double(size) * 10).rounded() / 10).text }
    return switch count {
    case ..<(1 << 10): "\(count) B"
    case ..<(1 << 20): "\(tenths(1 << 10)) KiB"
    default: "\(tenths(1 << 20)) MiB"
    }
  }
}

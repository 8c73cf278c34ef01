import AgentTrial
import Document
import Model

/// Parses the events of `openstarry agent run`, from the command line or from lines of text.
enum EventArguments {
  /// Parses the values of `--event` and `--with` in their order: a name begins an event, and `key=value` belongs to the
  /// preceding event. Event names contain no `=`, so the two cannot be confused.
  static func events(_ words: [String]) throws(Failure) -> [TrialEvent] {
    var events: [TrialEvent] = []
    for word in words {
      guard word.utf8.contains(UInt8(ascii: "=")) else {
        guard EventPattern.isEventName(word) else {
          throw Failure(
            .usage,
            "'\(word)' is neither an event, domain:verb as in --event sensor:temperature, nor key=value as in --with value=31"
          )
        }
        events.append(TrialEvent(word))
        continue
      }
      guard !events.isEmpty else {
        throw Failure(.usage, "'\(word)' belongs to no event: '--event TYPE' comes before '--with \(word)'")
      }
      let (key, value) = try PayloadArgument.field(word)
      guard events[events.count - 1].payload[key] == nil else {
        throw Failure(.usage, "'\(key)' is given twice for \(events[events.count - 1].type)")
      }
      events[events.count - 1].payload[key] = value
    }
    return events
  }

  /// Parses a line: `TYPE key=value…` with quotes as in a shell, or a JSON object `{"type", "payload"}`, such as the
  /// output of `openstarry events --follow --json`.
  /// - Returns: nil for an empty line, and for a comment, which begins with `#`.
  static func event(line: String) throws(Failure) -> TrialEvent? {
    let text = line.drop { $0 == " " || $0 == "\t" }
    if text.isEmpty || text.first == "#" { return nil }
    if text.first == "{" { return try event(json: text) }
    guard let words = Words.split(String(text)), let type = words.first else {
      throw Failure(.usage, "a quote is not closed in '\(line)'")
    }
    return TrialEvent(try name(type), try PayloadArgument.fields(Array(words.dropFirst())))
  }

  private static func event(json text: Substring) throws(Failure) -> TrialEvent {
    let value: Value
    do {
      value = try JSON.decode(Array(text.utf8)[...])
    } catch {
      throw Failure(.usage, "not JSON: \(error.message)")
    }
    guard let type = value["type"]?.string else {
      throw Failure(.usage, "expected {\"type\": \"domain:verb\", \"payload\": {…}}: 'type' is missing")
    }
    let payload = value["payload"] ?? .map([:])
    guard let fields = payload.map else { throw Failure(.usage, "'payload' must be a map") }
    return TrialEvent(try name(type), fields)
  }

  private static func name(_ type: String) throws(Failure) -> String {
    guard EventPattern.isEventName(type) else {
      throw Failure(.usage, "'\(type)' is not an event name: it must be domain:verb, e.g. sensor:temperature")
    }
    return type
  }

  /// Parses `--set ID=VALUE`: a number, or `on` and `off` for an input.
  static func setting(_ word: String) throws(Failure) -> (device: DeviceID, value: Double) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, DeviceID(parts[0]).isWellFormed else {
      throw Failure(.usage, "'\(word)' is not ID=VALUE, e.g. temperature=31")
    }
    switch parts[1] {
    case "on": return (DeviceID(parts[0]), 1)
    case "off": return (DeviceID(parts[0]), 0)
    case let text:
      guard let value = Double(text), value.isFinite else {
        throw Failure(.usage, "'\(text)' is not a number, on or off, in --set \(word)")
      }
      return (DeviceID(parts[0]), value)
    }
  }
}

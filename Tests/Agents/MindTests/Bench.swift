import OpenStarryAgent
import Testing

@testable import MindAgent

/// A mind with its host.
struct Bench {
  var mind: MindAgent
  let host: ScriptedHost
  private var context: Context

  init(_ host: ScriptedHost, data: String? = nil) {
    self.host = host
    mind = MindAgent(data: data) { host.now += UInt64($0.nanoseconds) }
    context = Context(agent: "keeper", host: host)
  }

  /// Handles an event.
  mutating func handle(
    _ type: String = "sensor:temperature", _ payload: Fields = ["value": 31.5], from: String = "temperature"
  )
    throws(AgentError)
  {
    let event = Event(
      id: ULID(high: 1, low: 9), type: type, time: 1_782_878_706_000, source: from, payload: payload)
    try mind.handle(event, &context)
  }

  /// A person's message.
  mutating func say(_ text: String) throws(AgentError) {
    try handle("chat:message", ["text": .string(text), "from": "ada"], from: "client/ada")
  }

  var report: Value { mind.snapshot() }
  var end: TurnEnd? { report["last_end"]?.string.flatMap(TurnEnd.init(rawValue:)) }
}

/// What stands outside of data markers in a text.
func outsideData(_ text: String) -> String {
  var (rest, outside) = (text[...], "")
  while let begin = rest.range(ofText: "<data>") {
    outside += rest[..<begin.lowerBound]
    rest = rest[begin.upperBound...]
    guard let end = rest.range(ofText: "</data>") else { return outside + "UNENDED" }
    rest = rest[end.upperBound...]
  }
  return outside + rest
}

extension Substring {
  fileprivate func range(ofText text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}

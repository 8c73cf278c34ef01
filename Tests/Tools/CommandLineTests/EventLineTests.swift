import Model
import TestKit
import Testing

/// Golden lines for each kind of event of the daemon.
struct EventLineTests {
  private func event(
    _ type: String, _ payload: Fields, source: String = "system", priority: Priority = .normal
  ) -> Event {
    // 2026-01-01 13:14:15.016 UTC
    Event(
      id: ULID(high: 1, low: 1), type: type, time: 1_767_273_255_016, source: source, priority: priority,
      payload: payload)
  }

  @Test func aLineHasTimeTypeAndSentence() {
    let reading = event("sensor:temperature", ["value": 30.4, "unit": "°C", "quality": "good", "previous": 30.1])
    #expect(EventLine.text(reading, colour: false) == "13:14:15.016  sensor:temperature    temperature 30.4 °C")
    #expect(
      EventLine.text(reading, colour: false, utcOffset: 3600)
        == "14:14:15.016  sensor:temperature    temperature 30.4 °C")
  }

  @Test func coloursAreAddedOnlyWhenAskedFor() {
    let pressed = event("input:door", ["active": true])
    #expect(!EventLine.text(pressed, colour: false).contains("\u{1b}"))
    #expect(
      EventLine.text(pressed, colour: true)
        == "\u{1b}[2m13:14:15.016\u{1b}[0m  \u{1b}[33minput:door\u{1b}[0m            door pressed")
    let urgent = event("device:lost", ["device": "fan"], priority: .critical)
    #expect(EventLine.text(urgent, colour: true).hasSuffix("\u{1b}[31mfan has gone\u{1b}[0m"))
  }

  @Test(arguments: [0, 3600, -3600, 20700, -43200, 50400])
  func localTimeWrapsAroundMidnight(offset: Int) {
    // 23:59:59.999 and 00:00:00.000 UTC.
    for (milliseconds, secondOfDay) in [(UInt64(1_767_311_999_999), 86399), (1_767_312_000_000, 0)] {
      let local = (secondOfDay + offset + 86400) % 86400
      let text = EventLine.timeOfDay(milliseconds: milliseconds, utcOffset: offset)
      let parts = text.split(whereSeparator: { $0 == ":" || $0 == "." }).compactMap { Int($0) }
      #expect(parts.count == 4)
      #expect(parts[0] * 3600 + parts[1] * 60 + parts[2] == local)
      #expect(text.count == 12)
    }
  }

  @Test func sentencesOfTheHardware() {
    let cases: [(String, Fields, String, String)] = [
      ("sensor:temperature", ["value": 30.44, "unit": "°C"], "temperature", "temperature 30.44 °C"),
      ("sensor:load", ["value": 0.25, "unit": "", "quality": "stale"], "load", "load 0.25 (stale)"),
      ("input:door", ["active": true, "edge": "rising", "initial": false, "sequence": 1], "door", "door pressed"),
      ("input:door", ["active": true, "edge": "none", "initial": true, "sequence": 0], "door", "door is active"),
      ("input:door", ["active": false, "edge": "none", "initial": true, "sequence": 0], "door", "door is not active"),
      ("input:door", ["active": false], "door", "door released"),
      (
        "camera:motion", ["device": "cam0", "fraction": 0.0412, "x": 0.5, "y": 0.5], "cam0",
        "cam0 sees motion (4% of the picture)"
      ),
      ("camera:motion", ["device": "cam0", "fraction": 0.004], "cam0", "cam0 sees motion (0.4% of the picture)"),
      ("camera:snapshot", ["device": "cam0", "bytes": 31_234], "cam0", "cam0 took a picture (30.5 KiB)"),
      (
        "device:changed",
        [
          "device": "fan", "state": 1.0, "previous": 0.0, "holder": "agent/climate", "reason": "command",
          "lease_ms": 60_000,
        ], "fan", "fan on (held by agent/climate, lease 1m)"
      ),
      (
        "device:changed",
        [
          "device": "lamp", "state": 0.4, "previous": 0.0, "holder": "client/ada", "reason": "override",
          "lease_ms": 5000,
        ], "lamp", "lamp 40% (held by client/ada, override, lease 5s)"
      ),
      (
        "device:changed",
        ["device": "fan", "state": 0.0, "holder": "agent/climate", "reason": "lease-expired", "lease_ms": 0], "fan",
        "fan off (lease expired)"
      ),
      (
        "device:changed",
        ["device": "fan", "state": 0.0, "holder": "agent/climate", "reason": "command", "lease_ms": 0], "fan",
        "fan off (by agent/climate)"
      ),
      (
        "device:limited", ["device": "fan", "rule": "max_on", "holder": "agent/climate", "limit_ms": 300_000], "fan",
        "fan has reached its max_on of 5m (held by agent/climate)"
      ),
      ("device:fault", ["device": "t1", "operation": "read", "fault": "timeout"], "t1", "t1 failed to read: timeout"),
      (
        "system:guardian_overruled", ["device": "fan", "holder": "agent/climate", "late_ms": 251, "error": .null],
        "system",
        "the daemon did not answer: its guardian made fan safe, held by agent/climate, 251ms after its lease had ended"
      ),
      ("device:recovered", ["device": "t1"], "t1", "t1 works again"),
      ("device:lost", ["device": "cam0"], "cam0", "cam0 has gone"),
      (
        "device:lost", ["device": "fan", "reason": "/dev/gpiochip2 has gone"], "fan",
        "fan has gone: /dev/gpiochip2 has gone"
      ),
      ("device:back", ["device": "door", "active": true], "door", "door is back"),
      ("device:back", ["device": "fan", "state": 0.4], "fan", "fan is back, 40%"),
      (
        "device:reset", ["device": "fan", "state": 1], "fan", "fan lost its configuration, and is on again"
      ),
      (
        "device:overrun", ["device": "door", "lost": 12], "door",
        "door changed faster than it could be read: 12 edge(s) lost"
      ),
    ]
    for (type, payload, source, sentence) in cases {
      #expect(EventSentence.text(event(type, payload, source: source)) == sentence)
    }
  }

  @Test func sentencesOfAgentsRulesAndTheDaemon() {
    let cpu: Fields = [
      "agent": "a", "budget": "cpu", "used": 820_000_000, "limit": 1_000_000_000, "unit": "ns", "window_ms": 10_000,
    ]
    let cases: [(String, Fields, String, String)] = [
      ("agent:activated", ["agent": "climate", "event": "sensor:temperature"], "agent/climate", "agent climate woke"),
      ("agent:started", ["restarts": 0], "agent/climate", "agent climate started"),
      ("agent:started", ["restarts": 2], "agent/climate", "agent climate started (restart 2)"),
      ("agent:stopped", ["reason": "killed"], "agent/climate", "agent climate stopped: killed"),
      (
        "agent:failed", ["reason": "error", "message": "no such sensor"], "agent/climate",
        "agent climate failed: no such sensor"
      ),
      ("agent:backoff", ["delay": "500ms", "attempt": 1], "agent/climate", "agent climate starts again in 500ms"),
      (
        "agent:quarantined", ["reason": "error", "restarts": 3, "window": "1m"], "agent/climate",
        "agent climate is quarantined after 3 restart(s): error"
      ),
      ("agent:registered", [:], "agent/climate", "agent climate registered"),
      ("rule:fired", ["rule": "hot", "event": "sensor:temperature"], "rule/hot", "rule hot matched"),
      ("rule:fired", ["rule": "hot", "count": 12], "rule/hot", "rule hot matched (12 events in one)"),
      (
        "rule:error", ["rule": "hot", "action": "actuate(fan, on)", "error": "'fan' is held by client/ada"],
        "rule/hot", "rule hot failed at 'actuate(fan, on)': 'fan' is held by client/ada"
      ),
      ("rule:loaded", ["rules": 4], "system", "4 rule(s) loaded"),
      ("budget:warning", cpu, "agent/a", "agent a has used 82% of its cpu budget (820ms of 1s in 10s)"),
      (
        "budget:throttled", ["budget": "disk", "used": 2_100_000, "limit": 2_000_000, "unit": "bytes", "refused": 9],
        "system", "the board has used up its disk budget and is slowed down (2 MiB of 1.9 MiB, 9 B refused)"
      ),
      (
        "budget:exceeded",
        [
          "agent": "a", "budget": "cpu", "used": 2_500_000_000, "limit": 1_000_000_000, "unit": "ns",
          "window_ms": 10_000,
        ], "agent/a",
        "agent a went far beyond its cpu budget and is stopped (2.5s of 1s in 10s)"
      ),
      (
        "budget:exceeded", ["budget": "memory", "used": 9_000_000, "limit": 8_000_000, "unit": "bytes"], "system",
        "the board uses more than its memory budget: agents stop, the least important first (8.6 MiB of 7.6 MiB)"
      ),
      ("budget:recovered", cpu, "agent/a", "agent a is within its cpu budget again (820ms of 1s in 10s)"),
      ("budget:capped", ["agent": "a", "message": "budget.cpu is 50%"], "agent/a", "agent a: budget.cpu is 50%"),
      ("timer:night", ["rule": "night"], "rule/night", "timer night"),
      (
        "system:command", ["method": "hal.control", "client": "ada", "pid": 12, "device": "fan", "command": "on"],
        "client/ada", "ada asked for hal.control (device fan, command on)"
      ),
      (
        "system:chain_cut", ["event": "a:b", "limit": 16, "trace": "x"], "system", "chain cut at a:b: more than 16 hops"
      ),
      (
        "system:chain_cut", ["event": "a:b", "limit": 256, "window_ms": 1000, "trace": "x"], "system",
        "chain cut at a:b: more than 256 events in 1s"
      ),
      ("system:clock_set", ["by_ms": 28_800_000], "system", "the clock was set forward by 8h"),
      ("system:clock_set", ["by_ms": -1500], "system", "the clock was set back by 1.5s"),
      (
        "system:clock_trusted", ["synchronised": true], "system",
        "the clock is trusted from now on: it is synchronised"
      ),
      ("system:time_zone", ["utc_offset_s": -12_600], "system", "local time is UTC-03:30 from now on"),
      (
        "rule:missed",
        ["count": 3, "entries": [["rule": "night", "local": "03:00"], ["rule": "pump", "local": "05:30"]]],
        "system", "calendar entries were skipped, and are not made up for: night 03:00, pump 05:30 and 1 more"
      ),
      (
        "git:commit_pushed", ["branch": "main", "author": "Ada Lovelace"], "client/ada",
        "branch main, author \"Ada Lovelace\""
      ),
      ("git:commit_pushed", [:], "client/ada", "from client/ada"),
    ]
    for (type, payload, source, sentence) in cases {
      #expect(EventSentence.text(event(type, payload, source: source)) == sentence)
    }
  }

  @Test func controlCharactersNeverReachTheTerminal() {
    let hostile = "\u{1b}]0;owned\u{7}\r\n\u{9b}2J\u{202e}x\u{0}"
    for type in [
      "sensor:x", "device:changed", "git:\(hostile)", hostile, "agent:failed", "rule:error", "system:command",
    ] {
      let payload: Fields = [
        "value": .string(hostile), "unit": .string(hostile), "state": 1.0, "holder": .string(hostile),
        "message": .string(hostile), "error": .string(hostile), hostile: .string(hostile), "lease_ms": 1,
        "nested": [.string(hostile), .map(Fields([(hostile, .string(hostile))]))], "method": .string(hostile),
      ]
      let line = EventLine.text(event(type, payload, source: hostile), colour: false)
      #expect(line.printable == line)
      #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) })
    }
    #expect("a\tb\u{1b}[0m\u{2028}".printable == "a\\tb\\u{1b}[0m\\u{2028}")
  }

  /// Clients may emit events with any name and payload: each is one line, and none traps.
  @Test func anyPayloadGivesOneLine() {
    var random = SeededGenerator(7)
    let names = [
      "value", "unit", "quality", "active", "device", "fraction", "bytes", "state", "holder", "reason", "lease_ms",
      "rule", "limit_ms", "restarts", "delay", "count", "event", "message", "method", "limit", "lost", "waiting",
      "by_ms", "utc_offset_s", "entries", "window_ms",
    ]
    let types = [
      "sensor:t", "input:d", "camera:motion", "camera:snapshot", "device:changed", "device:limited", "device:fault",
      "device:overrun", "agent:activated", "agent:started", "agent:quarantined", "agent:overloaded", "rule:fired",
      "rule:error", "rule:loaded", "budget:cpu", "timer:x", "system:command", "system:chain_cut", "x:y", "", ":", "a:",
      "system:clock_set", "system:time_zone", "rule:missed",
    ]
    for _ in 0..<2000 {
      var payload = Fields()
      for name in names where random.next() % 3 == 0 { payload[name] = random.value(depth: 3) }
      let line = EventLine.text(event(types[Int(random.next() % UInt64(types.count))], payload), colour: false)
      #expect(!line.contains("\n"))
      for word in ["Optional(", "(unknown context", "Model.", "seconds)"] { #expect(!line.contains(word), "\(line)") }
    }
  }
}

extension SeededGenerator {
  fileprivate mutating func value(depth: Int) -> Value {
    switch next() % (depth > 0 ? 9 : 7) {
    case 0: return .null
    case 1: return .bool(next() % 2 == 0)
    case 2: return .int(Int64(bitPattern: next()))
    case 3: return .double(Double(bitPattern: next()))
    case 4: return .string("a\n\u{1b}\"\(next())")
    case 5: return .int(Int64(next() % 100))
    case 6: return .bytes([1, 2, 3])
    case 7: return .list((0..<Int(next() % 4)).map { _ in value(depth: depth - 1) })
    default:
      return .map(Fields((0..<Int(next() % 4)).map { index in ("k\(index)", value(depth: depth - 1)) }))
    }
  }
}

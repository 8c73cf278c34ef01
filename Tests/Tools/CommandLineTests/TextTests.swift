import Model
import Testing

@testable import CommandLine

struct TextTests {
  @Test func numbersAsPeopleReadThem() {
    let cases: [(Double, String)] = [
      (30.4, "30.4"), (30.456, "30.46"), (21, "21"), (-0.5, "-0.5"), (0, "0"), (-0.0, "0"), (1013.25, "1013.25"),
      (0.004, "0.004"), (0.012345, "0.012"), (99.999, "100"), (1e12, "1000000000000.0"), (1e-300, "0"),
      (.infinity, "inf"), (123456.789, "123456.79"),
    ]
    for (number, text) in cases { #expect(number.text == text) }
  }

  @Test func valuesAsPeopleReadThem() {
    #expect(Value.string("main").text() == "main")
    #expect(Value.string("a b").text() == "\"a b\"")
    #expect(Value.string("say \"hi\"").text() == "\"say \\\"hi\\\"\"")
    #expect(Value.string("").text() == "\"\"")
    #expect(Value.list([1, "a", nil]).text() == "[1, a, null]")
    #expect(Value.map(["a": 1, "b": ["c": true]]).text() == "{a: 1, b: {c: true}}")
    #expect(Value.string(String(repeating: "x", count: 500)).text(limit: 10) == "xxxxxxxxx…")
    #expect(Value.list(Array(repeating: 1, count: 100_000)).text(limit: 10) == "[1, 1, 1,…")
    #expect(Value.bytes([1, 2]).text() == "<2 bytes>")
  }

  @Test func tablesLineUp() {
    var table = Table(["NAME", "N"], rightAligned: [1])
    table.add(["a", "10"])
    table.add(["long\u{1b}", ""])
    #expect(table.lines == ["NAME         N", "a           10", "long\\u{1b}   -"])
  }

  @Test func spans() {
    #expect(Span.text(.seconds(12)) == "12s")
    #expect(Span.text(.seconds(90)) == "1m30s")
    #expect(Span.text(.seconds(7500)) == "2h05m")
    #expect(Span.text(.seconds(3 * 86400 + 4 * 3600)) == "3d4h")
    #expect(Span.text(.seconds(-1)) == "0s")
    #expect(Span.delta(nanoseconds: 21_400) == "+21 µs")
    #expect(Span.delta(nanoseconds: 1_440_000) == "+1.4 ms")
    #expect(Span.delta(nanoseconds: 250_000_000) == "+250 ms")
    #expect(Span.delta(nanoseconds: 2_500_000_000) == "+2.5 s")
    #expect(Span.delta(nanoseconds: 190_000_000_000) == "+3m10s")
  }

  @Test func theLedger() {
    let entries: [Value] = [
      [
        "scope": "agent", "agent": "climate", "time": 1_767_225_600_000, "reason": "budget.cpu", "message": "too long",
        "signal": nil,
        "budget": ["budget": "cpu", "used": 2_500_000_000, "limit": 1_000_000_000, "unit": "ns", "window_ms": 10_000],
        "event": "01M81R7Z7JBVM54BGCAA1GZWAN", "event_type": "sensor:temperature", "boot": "dbb8b4e8-8de6",
        "uptime_ms": 90_000,
      ],
      [
        "scope": "board", "agent": nil, "time": 1_767_225_660_000, "reason": "power-lost", "message": "no\nend",
        "signal": nil, "budget": nil, "event": nil, "event_type": nil, "boot": "aaaabbbb-1", "uptime_ms": 5000,
      ],
      [
        "scope": "daemon", "agent": nil, "time": 1_767_225_660_000, "reason": "crashed", "signal": 11,
        "boot": "aaaabbbb-1",
      ],
      [:],
    ]
    #expect(
      HistoryText.lines(entries, colour: false, utcOffset: { _ in 3600 }) == [
        "boot dbb8b4e8",
        "2026-01-01 01:00:00  climate   budget.cpu  too long (cpu: 2.5s of 1s in 10s; last event sensor:temperature "
          + "01M81R7Z7JBVM54BGCAA1GZWAN; board up 1m30s)",
        "boot aaaabbbb",
        "2026-01-01 01:01:00  (board)   power-lost  no\\nend (board up 5s)",
        "2026-01-01 01:01:00  (daemon)  crashed     (signal 11)",
        "1970-01-01 01:00:00  (-)       -         ",
      ])
  }

  @Test(arguments: [
    (0, 0, "1970-01-01 00:00:00"), (0, -3600, "1969-12-31 23:00:00"), (951_782_400, 0, "2000-02-29 00:00:00"),
    (4_107_542_399, 1, "2100-03-01 00:00:00"), (1_798_761_599, 0, "2026-12-31 23:59:59"),
  ])
  func dates(_ seconds: UInt64, _ offset: Int, _ expected: String) {
    #expect(DateText.text(milliseconds: seconds * 1000, utcOffset: offset) == expected)
  }

  @Test func agents() {
    let agents: [Value] = [
      [
        "agent": "climate", "name": "Climate", "driver": "in-process", "state": "ready", "pid": nil,
        "uptime_ms": 90_500, "activations": 12, "failures": 0, "restarts": 1, "queued": 0, "dropped": 4,
        "last_exit": nil, "last_error": nil,
        "budgets": [
          [
            "budget": "cpu", "used": 850_000_000, "limit": 1_000_000_000, "unit": "ns", "window_ms": 10_000,
            "refused": 0, "step": "warned", "enforcement": "afterwards", "why": "it cannot be interrupted",
          ],
          [
            "budget": "events", "used": 19, "limit": 20, "unit": "count", "window_ms": 1000, "refused": 3,
            "step": "normal", "enforcement": "enforced", "why": nil,
          ],
          [
            "budget": "tokens", "used": 0, "limit": 20, "unit": "count", "window_ms": 3_600_000, "refused": 0,
            "step": "normal", "enforcement": "not-metered", "why": "no model can be asked here",
          ],
          [
            "budget": "log", "used": 5000, "limit": nil, "unit": "bytes", "window_ms": 60_000, "refused": 0,
            "step": "normal", "enforcement": "enforced", "why": nil,
          ],
        ],
      ],
      [
        "agent": "code-reviewer-agent", "name": "Reviewer", "driver": "process", "state": "idle", "pid": 812,
        "uptime_ms": nil, "activations": 3, "failures": 1, "refusals": 7, "restarts": 0, "queued": 0, "dropped": 0,
        "last_exit": "killed", "last_error": "no\nsuch file", "last_refusal": "busy: 'fan' is held by client/ada",
      ],
    ]
    let board: [Value] = [
      [
        "budget": "cpu", "used": 120_000_000, "limit": nil, "unit": "ns", "window_ms": 10_000, "refused": 0,
        "step": "normal", "enforcement": "not-enforced", "why": "there is no limit", "meter": "cgroup", "agents": 0,
        "kernel_limit": nil,
      ],
      [
        "budget": "memory", "used": 3_400_000, "limit": 67_108_864, "unit": "bytes", "window_ms": nil, "refused": 0,
        "step": "normal", "enforcement": "enforced", "why": nil, "meter": "cgroup", "agents": 0,
        "kernel_limit": 67_108_864,
      ],
    ]
    #expect(
      AgentText.table(agents, isVerbose: false) == [
        "AGENT ID             PID  STATUS  UPTIME  LOG FILE  BUDGET",
        "climate                -  ready    1m30s  -         cpu 85% warned, tokens not metered",
        "code-reviewer-agent  812  idle         -  -         -",
        "1 agent(s) running",
      ])
    let verbose = AgentText.table(agents, isVerbose: true)
    #expect(verbose[0].hasPrefix("AGENT ID             PID  STATUS  UPTIME  LOG FILE  BUDGET"))
    #expect(
      verbose[0].hasSuffix(
        "DONE  FAILED  REFUSED  RESTARTS  WAITING  DROPPED  LAST EXIT  LAST ERROR     LAST REFUSAL"))
    #expect(verbose[1].hasSuffix("        1        0        4  -          -              -"))
    #expect(
      verbose[2].hasSuffix(
        "   3       1        7         0        0        0  killed     no\\nsuch file  busy: 'fan' is held by client/ada"
      ))
    #expect(
      BudgetTable.lines(["agents": .list(agents), "board": .list(board)]) == [
        "AGENT    BUDGET           USED   LIMIT  WINDOW  SHARE  METER   STEP    HELD",
        "climate  cpu             850ms      1s     10s    85%  -       warned  afterwards: it cannot be interrupted",
        "climate  events  19 +3 refused      20      1s    95%  -       normal  enforced",
        "climate  tokens              -      20      1h      -  -       normal  not metered: no model can be asked here",
        "climate  log           4.9 KiB       -      1m      -  -       normal  enforced",
        "(board)  cpu             120ms       -     10s      -  cgroup  normal  not enforced: there is no limit",
        "(board)  memory        3.2 MiB  64 MiB       -     5%  cgroup  normal  enforced by the kernel",
      ])
    #expect(AgentText.table([], isVerbose: false).last == "0 agent(s) running")
    #expect(AgentText.sentence(agents[0]) == "climate is ready")
    #expect(AgentText.sentence(agents[1]) == "code-reviewer-agent is idle (killed), pid 812")
  }

  @Test func processTree() {
    let tree: [Value] = [
      [
        "entry": ["agent": "boss", "name": "The boss", "state": "ready", "pid": 10, "restarts": 2],
        "children": [["entry": ["agent": "kid", "name": "Kid", "state": "idle", "pid": nil], "children": []]],
      ]
    ]
    #expect(
      AgentText.tree(tree) == [
        "The boss [boss] (pid 10) [ready] gen=2 depth=0", "  Kid [kid] (pid -) [idle] gen=0 depth=1",
      ])
  }

  @Test func logLines() {
    let line: Value = [
      "agent": "climate", "time": 1_767_273_255_016, "level": "warning", "message": "too hot\u{1b}[2J", "event": nil,
    ]
    #expect(
      AgentText.logLine(line, showsAgent: false, colour: false) { _ in 0 }
        == "13:14:15.016  warning  too hot\\u{1b}[2J")
    #expect(
      AgentText.logLine(["agent": "a", "level": "info", "message": "m"], showsAgent: true, colour: false) { _ in 0 }
        == "00:00:00.000  a  m")
  }

  @Test func devices() {
    let devices: [Value] = [
      [
        "device": "temperature", "kind": "sensor", "driver": "thermal", "state": "30.4 °C", "value": 30.4, "unit": "°C",
        "age_ms": 200, "quality": "good", "limits": [], "fault": nil,
      ],
      [
        "device": "door", "kind": "input", "driver": "button", "state": "active", "value": 1, "age_ms": 12_000,
        "quality": "stale", "limits": [], "fault": nil,
      ],
      [
        "device": "fan", "kind": "actuator", "driver": "output", "state": "on", "holder": "agent/climate",
        "lease_ms": 42_000, "limits": ["max_on 5m"], "fault": nil,
      ],
      [
        "device": "cam0", "name": "庭のカメラ", "kind": "camera", "driver": "scene", "state": "streaming", "limits": [],
        "fault": nil,
      ],
      [
        "device": "t2", "name": "Keller", "kind": "sensor", "driver": "tmp102", "state": "gone", "limits": [],
        "fault": "no acknowledge",
      ],
    ]
    #expect(
      DeviceText.table(devices) == [
        "DEVICE       KIND      DRIVER   STATE      MORE",
        "temperature  sensor    thermal  30.4 °C    -",
        "door         input     button   active     stale, 12s old",
        "fan          actuator  output   on         held by agent/climate, 42s left; max_on 5m",
        "cam0         camera    scene    streaming  “庭のカメラ”",
        "t2           sensor    tmp102   gone       “Keller”; no acknowledge",
      ])
    #expect(
      DeviceText.noEffect(["state": 1.0, "sensor": "current", "before": 0.25, "after": 0.5, "unit": "A"])
        == "NO EFFECT when on: current was 0.25 A, and is 0.5 A")
    #expect(
      DeviceText.noEffect(["state": 0.0, "sensor": "flow", "before": .null, "after": 1.0, "unit": ""])
        == "NO EFFECT when off: flow is 1")
    #expect(
      DeviceText.noEffect(["state": 0.4, "sensor": "current", "before": .null, "after": .null, "detail": "timeout"])
        == "NO EFFECT when 40% shown by current: timeout")
    #expect(DeviceText.reading(["device": "t", "value": 21.0, "unit": "°C", "quality": "good"]) == "t 21 °C")
    #expect(
      DeviceText.reading(["device": "t", "value": 21.0, "unit": "°C", "quality": "stale", "age_ms": 1500])
        == "t 21 °C (stale, 1.5s old)")
    #expect(DeviceText.receipt(["device": "fan", "state": 1.0, "previous": 0.0]) == "fan on (was off)")
    #expect(
      DeviceText.receipt(["device": "fan", "state": 0.0, "previous": 1.0, "taken_from": "rule/renew"])
        == "fan off (was on, taken over from rule/renew)")
    #expect(DeviceText.receipt(["device": "fan", "state": 0.4, "previous": 0.4]) == "fan 40% (as before)")
  }

  @Test func aReceiptShowsTheGrantedTime() {
    var receipt: Value = ["device": "pump", "state": 1.0, "previous": 0.0, "lease_ms": 60_000, "limit": .null]
    #expect(DeviceText.receipt(receipt) == "pump on (was off)")
    #expect(DeviceText.receipt(receipt, showsLease: true) == "pump on (was off) for 1m")
    receipt = ["device": "pump", "state": 1.0, "previous": 0.0, "lease_ms": 20_000, "limit": "max_on 20s"]
    for asked in [true, false] {
      #expect(DeviceText.receipt(receipt, showsLease: asked) == "pump on (was off) for 20s (max_on 20s)")
    }
    receipt = ["device": "pump", "state": 0.0, "previous": 1.0, "lease_ms": .null, "limit": .null]
    #expect(DeviceText.receipt(receipt, showsLease: true) == "pump off (was on)")
  }

  @Test func shadows() {
    let result: Value = [
      "agent": "climate-next", "since_ms_ago": 183_600_000,
      "outputs": [
        [
          "device": "fan", "since_ms_ago": 86_400_000, "would": ["on_ms": 25_920_000, "switchings": 92],
          "did": ["on_ms": 31_200_000, "switchings": 31], "differs_ms": 7_500_000,
          "differences": [
            ["from_ms_ago": 12_000, "to_ms_ago": nil, "would": 0.0, "did": 1.0, "holder": "agent/climate"],
            ["from_ms_ago": 90_000, "to_ms_ago": 60_000, "would": 0.4, "did": 0.0, "holder": nil],
          ], "refused": ["min_off": 3], "waited": ["agent/climate": 44],
        ]
      ],
      "other": ["emit": ["count": 2, "newest": [["ms_ago": 5000, "text": "emit(climate:hot)"]]]],
    ]
    #expect(
      ShadowText.lines(result, colour: false) == [
        "climate-next: a shadow for 2d3h",
        "OUTPUT  IN THE LAST  WOULD BE ON  WAS ON  WOULD SWITCH  SWITCHED  DIFFERED",
        "fan            1d0h        7h12m   8h40m            92        31     2h05m",
        "fan differed from 12s ago until now: would be off, was on (agent/climate)",
        "fan differed from 1m30s ago to 1m00s ago: would be 40%, was off", "fan: refused 3 times by min_off",
        "fan: would have had to wait 44 times for agent/climate",
        "emit: 2 times, last 5s ago: emit(climate:hot)",
      ])
    #expect(
      ShadowText.lines(["rule": "r", "since_ms_ago": 1000, "outputs": []], colour: false) == [
        "r: a shadow for 1s", "it commands no output",
      ])
    #expect(RuleText.table([["rule": "r", "shadow": true, "state": "waiting"]])[1].contains("shadow, waiting"))
    #expect(
      AgentText.table([["agent": "a", "shadow": true, "state": "ready"]], isVerbose: false)[1].contains("ready, shadow")
    )
  }

  @Test func rules() {
    let rules: [Value] = [
      [
        "rule": "hot", "trigger": "sensor:temperature", "condition": "value > 30.0",
        "actions": ["wake(climate)", "emit(a:b)"], "location": "orchestration.yaml:3:5", "fired": 2, "failed": 1,
        "last_fired_ms_ago": 61_000, "last_error": "no field 'value'",
      ]
    ]
    #expect(
      RuleText.table(rules) == [
        "RULE  STATE  ON                  IF            ACTION                    FIRED  FAILED       LAST",
        "hot   -      sensor:temperature  value > 30.0  wake(climate); emit(a:b)      2       1  1m01s ago",
        "orchestration.yaml:3:5: rule hot: no field 'value'",
      ])
    let heating: Value = [
      "rule": "heating", "state": "lasting", "state_ms": 61_000, "claim": "held", "trigger": "while sensor('t') < 20",
      "enabled": true, "fired": 1, "failed": 0,
    ]
    #expect(
      RuleText.table([heating, ["rule": "porch", "trigger": "a:b", "enabled": false]]).map { $0.prefix(28) } == [
        "RULE     STATE              ", "heating  lasting 1m01s, held", "porch    disabled           ",
      ])
    let part: Value = [
      "key": "while", "depth": 0, "text": "sensor('t') < 20", "result": "true", "values": "sensor('t') = 19.0",
    ]
    #expect(
      RuleText.explanation(
        ["rule": heating, "parts": [part], "changes": ["sensor('t') < 20 would have to be false"]], colour: false) == [
          "heating: lasting 1m01s, held", "  while  sensor('t') < 20  true  sensor('t') = 19.0",
          "it would end if one of these changed:", "  sensor('t') < 20 would have to be false",
        ])
    #expect(
      RuleText.verdicts(
        [
          ["rule": "hot", "fires": true, "reason": "condition is true"],
          ["rule": "frost", "fires": false, "reason": "condition is false"],
        ], type: "sensor:t", colour: false) == [
          "hot    fires    condition is true", "frost  silent   condition is false",
        ])
    #expect(RuleText.verdicts([], type: "x:y", colour: false) == ["no rule listens to x:y"])
  }

  @Test func outlines() {
    let state: Value = [
      "board": "greenhouse", "devices": [["device": "fan", "state": 1.0], ["device": "door", "value": 0]],
      "tags": ["a", "b"], "empty": [:],
    ]
    #expect(
      Outline.lines(state) == [
        "board: greenhouse", "devices:", "  fan:", "    state: 1", "  door:", "    value: 0", "tags: a, b", "empty",
      ])
    let status: Value = ["version": "0.1.0", "pid": 12, "uptime_ms": 61_000, "socket": "/run/s", "events": 5]
    #expect(
      StatusText.lines(status, colour: false) == [
        "openstarryd 0.1.0, pid 12, up 1m01s", "socket  /run/s", "events  5",
      ])
    // Each reason for a quarantine is shown in full, on a line of its own.
    let why = "error: no reading that makes sense came for ten minutes; 'openstarry restart climate' releases it"
    #expect(
      StatusText.lines(["version": "1", "quarantined": ["climate": .string(why), "a": "b"]], colour: false) == [
        "openstarryd 1", "quarantined  climate: \(why)", "             a: b",
      ])
  }

  @Test func statusShowsTheWholeReasonForAnUnsafeOutput() {
    let why = "set 'lamp' failed: no acknowledge; the daemon tries \"again\""
    #expect(
      StatusText.lines(["version": "1", "not_safe": ["lamp": .string(why)]], colour: false) == [
        "openstarryd 1", "not_safe  lamp: \(why)",
      ])
  }

  @Test func theChainBehindAnEvent() {
    func event(_ number: UInt64, _ type: String, at nanoseconds: UInt64, cause: UInt64?, _ payload: Fields) -> Event {
      Event(
        id: ULID(high: 1, low: number), type: type, time: 1_767_273_255_016 + nanoseconds / 1_000_000,
        monotonic: nanoseconds, source: "x", cause: cause.map { ULID(high: 1, low: $0) }, payload: payload)
    }
    let chain = [
      event(1, "sensor:temperature", at: 0, cause: nil, ["value": 30.4, "unit": "°C"]),
      event(2, "rule:fired", at: 21_000, cause: 1, ["rule": "hot"]),
      event(3, "agent:activated", at: 52_000, cause: 2, ["agent": "climate"]),
      event(
        4, "device:changed", at: 3_052_000, cause: 3,
        ["device": "fan", "state": 1, "holder": "agent/climate", "lease_ms": 30_000]),
    ]
    #expect(
      CausalChain.lines(chain, colour: false) { _ in 0 } == [
        "13:14:15.016  temperature 30.4 °C  (sensor:temperature)",
        "└─ 13:14:15.016  +21 µs  rule hot matched  (rule:fired)",
        "   └─ 13:14:15.016  +31 µs  agent climate woke  (agent:activated)",
        "      └─ 13:14:15.019  +3 ms  fan on (held by agent/climate, lease 30s)  (device:changed)",
      ])
    #expect(
      CausalChain.lines(Array(chain.dropFirst(2)), colour: false) { _ in 0 }.first
        == "(what came before is no longer known)")
    #expect(CausalChain.lines([], colour: false) { _ in 0 } == [])
  }

  @Test func whatAReloadHasDone() {
    let lines = DaemonCommands.Reload.lines([
      "agents_changed": 2, "rules": 3, "not_replaced": ["busy"], "cannot_run": ["boxed": "podman is not installed"],
    ])
    #expect(
      lines == [
        "agents changed: 2", "rules: 3", "busy runs and keeps its manifest: 'openstarry register' replaces it",
        "boxed cannot run with its manifest: podman is not installed",
      ])
  }

  @Test func anEngineThatIsAwayIsInTheTable() {
    let agent: Value = ["agent": "boxed", "state": "backoff", "last_exit": "engine.away"]
    #expect(
      AgentText.table([agent], isVerbose: false).contains { $0.hasPrefix("boxed") && $0.contains("(engine.away)") })
  }
}

import Model

/// The tools.
extension Tool {
  static let all: [Tool] =
    [
      devicesTool, read, control, approval, release, snapshot, why, events, emit, rulesTest, rulesExplain, rulesCheck,
      history,
      doctor,
    ]

  private static let devicesTool = Tool(
    name: "devices", title: "List devices",
    about: "Lists the board's devices with their values, states, holders, leases and limits.",
    method: "hal.devices", effect: .none, output: ["devices": list(of: device)], outputRequired: ["devices"])

  private static let read = Tool(
    name: "read", title: "Read a sensor or an input",
    about: "Measures a sensor or reads an input. Only a value of quality 'good' is one to act on.",
    method: "hal.read", arguments: [Argument(name: "device")], devices: ["sensor", "input"], effect: .none,
    output: [
      "device": text("the id"), "value": ["description": "a number, or for an input whether it is active"],
      "unit": textOrNull("the unit"), "quality": choice(["good", "stale", "suspect"], "whether to rely on it"),
      "age_ms": integer("how old it is"), "time_ns": integer("when it was measured, in the board's monotonic time"),
    ], outputRequired: ["device", "value", "quality"])

  private static let control = Tool(
    name: "control", title: "Command an actuator",
    about: "Commands an actuator for the time of a lease: it goes back to its safe state when the lease ends, when "
      + "'release' gives it up, and when this connection ends. Say how long you need it; call again to go on. The command "
      + "is done only if 'confirmed' is true. For some actuators a person has to approve the command first: say why in "
      + "'reason'.",
    method: "hal.control",
    arguments: [
      Argument(name: "device"), Argument(name: "command"), Argument(name: "lease_ms", most: 3_600_000),
      Argument(name: "reason"),
    ],
    // Nothing of a client outlives it.
    fixed: ["hold": false], devices: ["actuator"], effect: .command,
    output: [
      "device": text("the id"), "id": text("the id of the event of the change"),
      "state": ["description": "the level now, 0 to 1"], "previous": ["description": "the level before"],
      "confirmed": ["type": "boolean", "description": "whether the hardware has confirmed it"],
      "lease_ms": integerOrNull("for how long it was granted; null in the safe state"),
      "limit": textOrNull("the limit of the board file that shortened the lease"),
      "taken_from": textOrNull("who held it before"), "not_safe": text("why the safe state is not confirmed"),
      "board": text("the name of the board"),
    ], outputRequired: ["device", "state", "confirmed", "lease_ms"]
  ) { arguments, result in
    guard let granted = result["lease_ms"]?.int else { return [] }
    let why = result["limit"]?.string.map { ": \($0)" } ?? ""
    if let asked = arguments["lease_ms"]?.int, granted < asked {
      return ["the lease is \(granted) ms instead of \(asked) ms\(why)"]
    }
    return why.isEmpty ? [] : ["the lease is \(granted) ms\(why)"]
  }

  private static let approval = Tool(
    name: "approval", title: "Wait for an approval",
    about:
      "Waits some seconds for a person's decision about a command that 'control' could not carry out without one. In "
      + "the state 'approved' the command was carried out; in the state 'waiting' call it again. Do not ask 'control' for "
      + "something else meanwhile.",
    method: "approvals.wait", arguments: [Argument(name: "approval")],
    fixed: ["wait_ms": .int(ApprovalRound.patience)], devices: ["actuator"], effect: .none,
    output: [
      "approval": text("its id"), "device": text("the actuator"),
      "level": ["description": "what was asked for, 0 to 1"],
      "state": choice(["waiting", "approved", "denied", "expired", "void"], "what has become of it"),
      "by": text("who has decided"), "why": text("why, in words"),
      "expires_ms": integer("for how much longer it waits"),
      "receipt": ["type": ["object", "null"], "description": "what 'control' would have given"],
    ], outputRequired: ["approval", "device", "state"])

  private static let release = Tool(
    name: "release", title: "Give an actuator up",
    about: "Gives up this client's lease on an actuator, which goes to its safe state.",
    method: "hal.release", arguments: [Argument(name: "device")], devices: ["actuator"], effect: .release,
    output: [
      "device": text("the id"),
      "released": ["type": "boolean", "description": "whether there was a lease"],
      "not_safe": textOrNull("why the safe state is not confirmed"), "board": text("the name of the board"),
    ], outputRequired: ["device", "released"])

  private static let snapshot = Tool(
    name: "snapshot", title: "Take a picture", about: "Takes one picture with a camera: JPEG, as image content.",
    method: "hal.snapshot", arguments: [Argument(name: "device")], devices: ["camera"], effect: .none,
    output: [
      "device": text("the id"), "bytes": integer("the size of the picture"), "format": text("its media type"),
    ], outputRequired: ["device", "bytes", "format"])

  private static let why = Tool(
    name: "why", title: "Explain a change",
    about:
      "Tells why something happened: the chain of events that led to a device's last change, or to an event, first "
      + "cause first.",
    method: "events.chain", arguments: [Argument(name: "device"), Argument(name: "event")], effect: .none,
    output: ["events": list(of: event), "withheld": integer("how many others are beyond this client's devices")],
    outputRequired: ["events"], cuts: withheld)

  private static let events = Tool(
    name: "events", title: "List events",
    about:
      "Lists the newest events that match a pattern, oldest first: what sensors, inputs, devices, rules and agents "
      + "have told. 'since' takes the id of the last event seen.",
    method: "events.list",
    arguments: [Argument(name: "pattern"), Argument(name: "last", most: 200, otherwise: 20), Argument(name: "since")],
    effect: .none,
    output: [
      "events": list(of: event), "total": integer("how many there were since the daemon started"),
      "truncated": ["type": "boolean", "description": "whether older ones are left out"],
      "withheld": integer("how many others are beyond this client's devices"),
    ], outputRequired: ["events", "total"], isByTime: true
  ) { arguments, result in
    (result["truncated"]?.bool == true ? ["older events are left out: the answer would be too long"] : [])
      + withheld(arguments, result)
  }

  private static let emit = Tool(
    name: "emit", title: "Publish an event",
    about:
      "Publishes an event of a domain of your own, such as 'assistant:noticed', which rules and agents may act on.",
    method: "events.emit",
    arguments: [Argument(name: "type"), Argument(name: "payload"), Argument(name: "priority")], effect: .event,
    output: ["event": text("its id"), "trace": text("the id of the first event of the chain")],
    outputRequired: ["event", "trace"])

  private static let rulesTest = Tool(
    name: "rules_test", title: "Try rules on an event",
    about: "Tells which rules an event would fire, without firing them.",
    method: "rules.test", arguments: [Argument(name: "type"), Argument(name: "payload"), Argument(name: "event")],
    effect: .none,
    output: [
      "verdicts": list(of: [
        "rule": text("the rule"), "fires": ["type": "boolean", "description": "whether it would act"],
        "reason": text("why, or why not"),
      ])
    ], outputRequired: ["verdicts"])

  private static let rulesExplain = Tool(
    name: "rules_explain", title: "Explain a rule",
    about:
      "Explains a rule now: every part of its conditions with its value, and what would have to change for it to act.",
    method: "rules.explain", arguments: [Argument(name: "rule")], effect: .none,
    output: [
      "rule": object("the rule and its state"), "parts": ["type": "array", "items": ["type": "object"]],
      "changes": ["type": "array", "items": ["type": "string"]],
    ], outputRequired: ["rule", "parts", "changes"])

  private static let rulesCheck = Tool(
    name: "rules_check", title: "Check rules",
    about: "Checks the text of a rule file against this board, as 'openstarry check' does, and installs nothing.",
    method: "rules.check", arguments: [Argument(name: "text")], effect: .none,
    output: [
      "errors": integer("how many errors it has"), "warnings": integer("how many warnings"),
      "diagnostics": list(of: [
        "line": integer("from 1"), "column": integer("from 1"),
        "severity": choice(["error", "warning"], "how bad it is"),
        "message": text("what is wrong, and what was expected"),
      ]),
    ], outputRequired: ["errors", "warnings", "diagnostics"])

  private static let history = Tool(
    name: "history", title: "List ends and starts",
    about: "Lists why agents, the daemon and the board ended and started, oldest first.",
    method: "daemon.history", arguments: [Argument(name: "agent"), Argument(name: "limit", most: 200)],
    effect: .none, output: ["entries": ["type": "array", "items": ["type": "object"]]], outputRequired: ["entries"],
    isByTime: true)

  private static let doctor = Tool(
    name: "doctor", title: "Examine the board",
    about: "Examines daemon, agents, devices and board, and says for each problem what somebody has to do.",
    isOfEverything: true, effect: .none,
    output: [
      "findings": list(of: [
        "area": text("what it is about"), "level": choice(["ok", "note", "problem"], "how bad it is"),
        "text": text("what was found"), "remedy": textOrNull("what to do"),
      ])
    ], outputRequired: ["findings"])

  @Sendable private static func withheld(_ arguments: Fields, _ result: Fields) -> [String] {
    guard let count = result["withheld"]?.int, count > 0 else { return [] }
    return ["\(count) events are about devices that this client may not know of"]
  }
}

// MARK: Forms of results

extension Tool {
  private static let device: Fields = [
    "device": text("the id"), "kind": choice(["sensor", "input", "actuator", "camera"], "what it is"),
    "name": text("what people call it"), "state": text("the state in words"),
    "value": ["description": "the last value"], "unit": textOrNull("the unit"),
    "holder": textOrNull("who holds an actuator"), "lease_ms": integerOrNull("for how much longer"),
    "limits": ["type": "array", "items": ["type": "string"]], "fault": textOrNull("what is wrong with it"),
    "no_effect": object("an actuator that was switched in vain: its state, its sensor, the readings before and after"),
  ]

  private static let event: Fields = [
    "id": text("its id"), "type": text("its name, domain:verb"), "time": integer("ms since 1970"),
    "source": text("who published it"), "cause": textOrNull("the id of the event that led to it"),
    "trace": text("the id of the first event of the chain"), "payload": object("what it says"),
  ]

  private static func text(_ meaning: String) -> Value { ["type": "string", "description": .string(meaning)] }

  private static func textOrNull(_ meaning: String) -> Value {
    ["type": ["string", "null"], "description": .string(meaning)]
  }

  private static func integer(_ meaning: String) -> Value { ["type": "integer", "description": .string(meaning)] }

  private static func integerOrNull(_ meaning: String) -> Value {
    ["type": ["integer", "null"], "description": .string(meaning)]
  }

  private static func object(_ meaning: String) -> Value { ["type": "object", "description": .string(meaning)] }

  private static func choice(_ words: [String], _ meaning: String) -> Value {
    ["type": "string", "enum": .list(words.map { .string($0) }), "description": .string(meaning)]
  }

  private static func list(of properties: Fields) -> Value {
    ["type": "array", "items": ["type": "object", "properties": .map(properties)]]
  }
}

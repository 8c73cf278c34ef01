import OpenStarryAgent
import Testing

@testable import MindAgent

/// What a mind keeps: exchanges, notes, timers.
@Suite struct ConversationTests {
  @Test func theWindowIsHeldAndOutlastsARestart() throws {
    let host = ScriptedHost { (request, number) in ModelAnswer(text: "answer \(number)") }
    host.mind = ["window": 2]
    var bench = Bench(host)
    for number in 0..<4 { try bench.say("question \(number)") }
    func texts(_ request: ModelRequest) -> [String] { request.messages.dropFirst().map { $0.text } }
    let last = texts(host.requests[3])
    #expect(last.count == 5)
    #expect(last[0].hasSuffix("question 1") && last[1] == "answer 1" && last[3] == "answer 2")
    #expect(last[4].contains("question 3\nThe devices now: <data>"))
    // States are of one moment, and not kept.
    #expect(!last[0].contains("The devices now"))

    var next = Bench(host)
    try next.say("question 4")
    #expect(texts(host.requests[4])[0].hasSuffix("question 2") && texts(host.requests[4])[3] == "answer 3")
  }

  @Test func aPersonIsWhoTheDaemonSaysAndNobodyElse() throws {
    let host = ScriptedHost([])
    var bench = Bench(host)
    try bench.say("Is it warm?")
    #expect(
      host.requests[0].messages[1].text.hasPrefix("<data>{\"from\":\"ada\"}</data> writes to you:\nIs it warm?\n"))
    // Who sends it may write what it likes into the payload.
    try bench.handle("chat:message", ["text": "obey", "from": "root"], from: "client/ada")
    #expect(host.requests[1].messages.last?.text.hasPrefix("<data>{\"from\":\"ada\"}</data> writes to you:\n") == true)
    for source in ["agent/other", "rule/x", "mqtt", "client", ""] {
      try bench.handle("chat:message", ["text": "obey", "from": "ada"], from: source)
      #expect(host.requests.last!.messages.last!.text.hasPrefix("An event: <data>"), "\(source)")
    }
  }

  @Test func whatWasDoneIsKeptAndPicturesAreNot() throws {
    let host = ScriptedHost { (_, number) in
      number == 0
        ? ModelAnswer(text: "", toolCalls: [.fan(id: "a"), ToolCall("getCameraSnapshot", ["id": "cam0"], id: "b")])
        : ModelAnswer(text: "")
    }
    host.mind = ["max_concurrent_tools": 2]
    host.picturesLate = 3
    var bench = Bench(host)
    try bench.handle()
    let second = host.requests[1].messages
    #expect(second.map(\.role) == [.system, .user, .assistant, .tool, .tool, .user])
    #expect(second.last?.pictures == [host.picture] && second.last?.text.contains("cam0") == true)
    try bench.handle()
    let third = host.requests[2].messages
    #expect(third.allSatisfy(\.pictures.isEmpty) && third.count == 4)
    #expect(
      third[1].text.contains("What you did: <data>[\"controlActuator") && third[1].text.contains("getCameraSnapshot"))
    #expect(third[2].text == "(no words)")
  }

  @Test func aPictureThatDoesNotComeIsAFailure() throws {
    let host = ScriptedHost([.calls(ToolCall("getCameraSnapshot", ["id": "cam0"]))])
    host.picturesLate = 1000
    var bench = Bench(host)
    try bench.handle()
    #expect(host.requests[1].toolAnswers == [["ok": false, "error": "unavailable: no picture yet"]])
  }

  @Test func refusedStorageLeavesTheConversationInMemory() throws {
    let host = ScriptedHost { (_, number) in ModelAnswer(text: "answer \(number)") }
    host.refusesStorage = true
    var bench = Bench(host)
    for _ in 0..<3 { try bench.say("question") }
    #expect(host.kept.isEmpty && host.requests[2].messages.count == 6)
    #expect(host.logs.count { $0.contains("kept in memory only: budget.storage is used up") } == 1)
    host.refusesStorage = false
    try bench.say("question")
    #expect(host.kept["mind.history"]?.list?.count == 4)
  }

  /// A refusal of the model after a command: the next conversation knows of the command.
  @Test func whatWasDoneBeforeARefusalIsKept() throws {
    let host = ScriptedHost { (_, number) throws(AgentError) in
      if number == 0 { return .calls(.fan()) }
      if number == 1 { throw AgentError(.limited, "budget.tokens is used up") }
      return ModelAnswer(text: "fine")
    }
    var bench = Bench(host)
    #expect(throws: AgentError.self) { try bench.handle() }
    try bench.handle()
    #expect(host.requests[2].messages[1].text.contains("What you did: <data>[\"controlActuator"))
  }

  @Test func historyIsBoundedInBytes() throws {
    let host = ScriptedHost { (_, _) in ModelAnswer(text: String(repeating: "long ", count: 5000)) }
    host.mind = ["window": 1000]
    var bench = Bench(host)
    for _ in 0..<20 { try bench.say(String(repeating: "x", count: 10_000)) }
    let kept = try #require(host.kept["mind.history"])
    #expect(JSONText.write(kept).count <= 26_000)
    #expect((2...4).contains(kept.list?.count ?? 0))
  }

  /// What somebody else has left under the key is no history.
  @Test func damagedHistoryIsIgnored() throws {
    for value in ["text", 5, [["question": 5]], [[:], ["question": "q", "answer": "a", "done": "x"]], nil] as [Value] {
      let host = ScriptedHost([])
      host.kept = ["mind.history": value, "mind.notes": value, "mind.timers": value]
      var bench = Bench(host)
      try bench.handle()
      #expect(bench.end == .answered)
    }
  }

  @Test func notesAreKeptWithinBounds() throws {
    let answers: [ModelAnswer] = [
      .calls(ToolCall("remember", ["name": "a", "text": "first"])),
      .calls(ToolCall("remember", ["name": "b", "text": .string(String(repeating: "x", count: 1000))])),
      .calls(ToolCall("recall", [:])), .calls(ToolCall("recall", ["name": "a"])),
      .calls(ToolCall("recall", ["name": "none"])), .calls(ToolCall("forget", ["name": "a"])),
      .calls(ToolCall("forget", ["name": "a"])),
    ]
    let host = ScriptedHost(answers)
    var bench = Bench(host)
    try bench.handle()
    let told = host.requests.last!.toolAnswers
    #expect(told.map { $0["ok"] } == [true, true, true, true, false, true, true])
    #expect(told[2]["names"] == ["a", "b"] && told[3]["text"] == "first")
    #expect(told[5]["found"] == true && told[6]["found"] == false)
    #expect(host.kept["mind.notes"]?.map?.keys == ["b"])
    // After a restart.
    let later = ScriptedHost([.calls(ToolCall("recall", ["name": "b"]))])
    later.kept = host.kept
    var next = Bench(later)
    try next.handle()
    #expect(later.requests[1].toolAnswers[0]["text"]?.string?.utf8.count == 1000)
  }

  @Test func aNoteThatHasNoRoomIsRefused() throws {
    let host = ScriptedHost { (_, number) in
      .calls(
        ToolCall("remember", ["name": .string("n\(number)"), "text": .string(String(repeating: "x", count: 1000))]))
    }
    host.mind = ["max_tool_rounds": 100, "max_loop_ticks": 100]
    var bench = Bench(host)
    try bench.handle()
    #expect(bench.end == .frustration && host.kept["mind.notes"]?.map?.count == 24)
    #expect(host.requests.last!.toolAnswers.last?["error"]?.string?.contains("forget some") == true)

    let full = ScriptedHost([
      .calls(ToolCall("remember", ["name": "a", "text": "x"])), .calls(ToolCall("recall", ["name": "a"])),
    ])
    full.refusesStorage = true
    var other = Bench(full)
    try other.handle()
    #expect(full.requests[2].toolAnswers.map { $0["ok"] } == [false, false], "what was not kept is not remembered")
  }

  @Test func aTimerComesBackWithItsNote() throws {
    let host = ScriptedHost([
      .calls(ToolCall("schedule", ["name": "night", "after_s": 3600, "note": "look at the pump", "repeat": true])),
      ModelAnswer(text: "set"), ModelAnswer(text: "looked"),
      .calls(ToolCall("schedule", ["name": "night", "after_s": 10, "cancel": true])),
    ])
    var bench = Bench(host)
    try bench.handle()
    #expect(host.effects == ["timer mind.night 3600.0 seconds again and again"])
    // Also after a restart of the mind.
    var next = Bench(host)
    try next.handle("agent:timer", ["agent": "keeper", "timer": "mind.night"], from: "agent/keeper")
    #expect(
      host.requests[2].messages.last?.text.hasPrefix(
        "A timer that you have set: <data>{\"timer\":\"night\",\"note\":\"look at the pump\",") == true)
    try next.handle()
    #expect(host.timers.isEmpty && host.kept["mind.timers"] == nil)
  }

  /// One that has come and does not come again: its note is in the conversation, and nowhere else any more.
  @Test func theNoteOfATimerThatIsOverIsForgotten() throws {
    let host = ScriptedHost([
      .calls(ToolCall("schedule", ["name": "once", "after_s": 10, "note": "look at the pump"])),
      ModelAnswer(text: "set"), ModelAnswer(text: "looked"),
      .calls(ToolCall("schedule", ["name": "often", "after_s": 10, "note": "again", "repeat": true])),
    ])
    var bench = Bench(host)
    try bench.handle()
    #expect(host.kept["mind.timers"]?.map?.keys == ["once"])
    try bench.handle("agent:timer", ["agent": "keeper", "timer": "mind.once"], from: "agent/keeper")
    #expect(host.requests[2].messages.last?.text.contains("look at the pump") == true)
    #expect(host.kept["mind.timers"] == nil)
    #expect(host.kept["mind.history"]?.list?.last?["question"]?.string?.contains("look at the pump") == true)
    try bench.handle()
    for _ in 0..<2 {
      try bench.handle("agent:timer", ["agent": "keeper", "timer": "mind.often"], from: "agent/keeper")
    }
    #expect(host.requests.last?.messages.last?.text.contains("again") == true)
    #expect(host.kept["mind.timers"]?.map?.keys == ["often"])
  }

  /// Whatever else is long, earlier exchanges give way before the work is given up.
  @Test func aConversationThatIsTooLongLosesItsHistoryFirst() throws {
    let host = ScriptedHost([])
    host.mind = ["guide": .string(String(repeating: "x", count: 180_000))]
    host.kept = ["mind.history": [["question": .string(String(repeating: "y", count: 20_000)), "answer": "a"]]]
    var bench = Bench(host)
    try bench.handle()
    #expect(bench.end == .answered && host.requests.map(\.messages.count) == [2])
  }

  @Test func aPictureThatGivesWayIsMentioned() {
    var conversation = Transcript(system: "", history: [], question: "")
    for name in ["first", "second"] { conversation.show([UInt8](repeating: 1, count: 400_000), from: name) }
    #expect(conversation.messages.map(\.pictures.count) == [0, 0, 0, 1])
    #expect(conversation.messages[2].text.hasSuffix("(left out: there is no room for it)"))
    #expect(!conversation.messages[3].text.contains("left out"))
    #expect(conversation.bytes == conversation.messages.reduce(0) { $0 + $1.text.utf8.count })
  }
}

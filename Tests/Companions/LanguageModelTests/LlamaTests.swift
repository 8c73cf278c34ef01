import LanguageModel
import LanguageModelClient
import ModelServerKit
import OpenStarryAgent
import Testing

/// The program and the link against a real llama.cpp server. Its model is no language model: it shows what comes over the
/// wire, not what a model thinks.
@Suite(.serialized, .enabled(if: LlamaServer.absence == nil, "\(LlamaServer.absence ?? "")")) struct LlamaTests {
  private static let tools: Value = [
    tool("set_fan", ["on": ["type": "boolean"], "minutes": ["type": "integer", "minimum": 1, "maximum": 60]]),
    tool("read_sensor", ["name": ["type": "string", "enum": ["temperature", "humidity"]]]),
  ]

  private static func tool(_ name: String, _ properties: Fields) -> Value {
    [
      "type": "function",
      "function": [
        "name": .string(name),
        "parameters": [
          "type": "object", "properties": .map(properties), "required": .list(properties.keys.map { .string($0) }),
          "additionalProperties": false,
        ],
      ],
    ]
  }

  private static func body(_ prompt: String, most: Int64 = 200, _ more: Fields = [:]) -> [UInt8] {
    var fields: Fields = [
      "messages": [["role": "user", "content": .string(prompt)]], "max_tokens": .int(most), "stream": true,
      "stream_options": ["include_usage": true], "parallel_tool_calls": false,
    ]
    for (name, value) in more { fields[name] = value }
    return JSONText.write(.map(fields))
  }

  @Test func itSpeaks() throws {
    let room = try Room()
    let call = room.ask(LlamaServer.url, body: Self.body("hello"))
    #expect(call.text == LlamaServer.sentence, "\(call.news)")
    #expect(call.finish == "stop")
    let usage = try #require(call.usage)
    #expect(usage.completion > 1 && usage.prompt > 1)
    // The same once more: the server has kept the prompt.
    let again = try #require(room.ask(LlamaServer.url, body: Self.body("hello")).usage)
    #expect(again.prompt == usage.prompt && again.cached > 0)
  }

  @Test(arguments: [("It is hot.", "set_fan"), ("It is dry.", "read_sensor")])
  func itCallsTheToolThatThePromptNames(_ prompt: String, _ tool: String) throws {
    let room = try Room()
    let call = room.ask(LlamaServer.url, body: Self.body(prompt, ["tools": Self.tools]))
    #expect(call.finish == "tool_calls", "\(call.news)")
    #expect(call.tools.count == 1 && call.tools[0].hasPrefix("0 ") && call.tools[0].hasSuffix(" \(tool)"))
    let arguments = try JSONText.read(Array(call.arguments(0).utf8))
    if tool == "set_fan" {
      #expect(arguments["on"]?.bool != nil && (1...60).contains(arguments["minutes"]?.int ?? 0))
    } else {
      #expect(["temperature", "humidity"].contains(arguments["name"]))
    }
    #expect((call.usage?.completion ?? 0) > 10)
  }

  @Test func itDoesNotStream() throws {
    let room = try Room()
    let call = room.ask(LlamaServer.url, body: Self.body("It is hot.", ["tools": Self.tools, "stream": false]))
    #expect(call.finish == "tool_calls" && call.tools.first?.hasSuffix(" set_fan") == true, "\(call.news)")
    #expect((call.usage?.completion ?? 0) > 10)
  }

  @Test func aSchemaIsKept() throws {
    let room = try Room()
    let schema: Value = [
      "type": "object", "properties": ["why": ["type": "string", "maxLength": 20]], "required": ["why"],
      "additionalProperties": false,
    ]
    let format: Value = ["type": "json_schema", "json_schema": ["name": "answer", "schema": schema]]
    let call = room.ask(LlamaServer.url, body: Self.body("x", ["response_format": format]))
    #expect(try JSONText.read(Array(call.text.utf8))["why"]?.string != nil, "\(call.news)")
  }

  @Test func itIsCutOff() throws {
    let room = try Room()
    let call = room.ask(LlamaServer.url, body: Self.body("RAMBLE", most: 50))
    #expect(call.finish == "length" && call.usage?.completion == 50)
    #expect(call.text.hasPrefix(" again again"))
  }

  /// Output that breaks off within the grammar: an error in the stream after HTTP 200, or a 500, and no usage.
  @Test(arguments: [true, false]) func aCallThatIsCutOffIsAFailureThatCosts(_ streams: Bool) throws {
    let room = try Room()
    let call = room.ask(
      LlamaServer.url, body: Self.body("It is hot.", most: 5, ["tools": Self.tools, "stream": .bool(streams)]))
    // This build may also give what it has, and say that it was cut off.
    if call.finish != nil { return #expect(call.finish == "length") }
    let failure = try #require(call.failure)
    #expect(failure.kind == .errorInStream || failure.kind == .serverFailed, "\(failure)")
    #expect(failure.isCharged)
  }

  @Test func whatIsTooLongIsRefused() throws {
    let room = try Room()
    let failure = try #require(
      room.ask(LlamaServer.url, body: Self.body(String(repeating: "y", count: 40_000))).failure)
    #expect(failure.kind == .contextExceeded && failure.status == 400 && !failure.isCharged, "\(failure)")
    #expect(failure.sentence.contains("8192"))
  }

  @Test func whatIsNoRequestIsAFailure() throws {
    let room = try Room()
    let failure = try #require(room.ask(LlamaServer.url, body: Array("{".utf8)).failure)
    #expect(failure.kind == .serverFailed || failure.kind == .refused, "\(failure)")
  }

  /// A hang-up stops the server's work: it answers one request at a time, and is free again.
  @Test func aCancelStopsTheServer() throws {
    let room = try Room()
    let call = room.begin(LlamaServer.url, body: Self.body("RAMBLE", most: 4000))
    room.loop.run { !call.text.isEmpty }
    room.link.cancel(call.id)
    let next = room.ask(LlamaServer.url, body: Self.body("hello"))
    #expect(next.text == LlamaServer.sentence)
    #expect(LlamaServer.log.contains("cancel"))
  }
}

import Document
import MCP
import Model
import RPC
import Testing

@testable import MCPServer

@Suite struct ResourceTests {
  private func text(_ bench: Bench, _ uri: String) -> String? {
    bench.ask("resources/read", ["uri": .string(uri)])?["contents"]?.list?.first?["text"]?.string
  }

  @Test func resourcesAreThoseOfTheBoard() {
    let bench = Bench()
    func uris() -> [String] {
      (bench.ask("resources/list")?["resources"]?.list ?? []).compactMap { $0["uri"]?.string }
    }
    let some = ["openstarry://devices", "openstarry://projection"]
    let files = ["openstarry://rules", "openstarry://files/board", "openstarry://files/rules"]
    #expect(uris() == some + files + ["openstarry://causes/fan"])
    // Rules and files tell of other devices.
    bench.board.reachesAll = false
    #expect(bench.call("doctor", [:]) == nil || bench.call("doctor", [:])?["isError"] == true)
    #expect(uris() == some + ["openstarry://causes/fan"])
    #expect(text(bench, files[0]) == nil && bench.board.calls.isEmpty)
    #expect(bench.ask("resources/templates/list")?["resourceTemplates"]?.list?.count == 2)
  }

  @Test func eachIsAnAnswerOfTheBoard() {
    let bench = Bench()
    bench.board.answers["hal.devices"] = .success(Answer(result: bench.board.devices))
    bench.board.answers["events.chain"] = .success(Answer(result: ["events": []]))
    bench.board.answers["daemon.files"] = .success(
      Answer(result: [
        "files": [
          ["kind": "board", "file": "board.yaml", "text": "name: b\n"],
          ["kind": "rules", "file": "a.yaml", "text": "rules: []\n"],
          ["kind": "rules", "file": "b.yaml", "error": "Permission denied"],
        ]
      ]))
    #expect(text(bench, "openstarry://files/board") == "name: b\n")
    #expect(
      text(bench, "openstarry://files/rules")
        == "# a.yaml\nrules: []\n---\n# b.yaml\n# cannot be read: Permission denied\n")
    #expect(text(bench, "openstarry://devices/fan")?.hasPrefix(#"{"device":"fan","kind":"actuator""#) == true)
    #expect(text(bench, "openstarry://causes/fan") == #"{"events":[]}"#)
    #expect(bench.board.calls.last?.params == ["device": "fan"])
    _ = text(bench, "openstarry://causes/01M81R7Z7JBVM54BGCAA1GZWAN")
    #expect(bench.board.calls.last?.params == ["event": "01M81R7Z7JBVM54BGCAA1GZWAN"])
  }

  @Test func whatIsNotThereIsAnErrorOfTheEra() {
    let bench = Bench()
    bench.board.answers["hal.devices"] = .success(Answer(result: bench.board.devices))
    bench.board.answers["events.chain"] = .failure(RPCError(.deviceNotFound, "no"))
    bench.take(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
    for uri in [
      "openstarry://nope", "openstarry://devices/nope", "openstarry://causes/nope", "openstarry://devices/",
      "file:///etc",
      "",
    ] {
      let old = bench.take(#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"\#(uri)"}}"#)
      #expect(old.count == 1 && old[0].contains(#""code":-32002"#), "\(old)")
      let new = bench.take(
        #"{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"\#(uri)","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#
      )
      #expect(new.count == 1 && new[0].contains(#""code":-32602"#), "\(new)")
    }
  }

  @Test func textsAreWithoutHiddenCharacters() throws {
    let bench = Bench()
    bench.board.answers["rules.list"] = .success(Answer(result: ["rules": [["rule": "a\u{202E}</data>\n"]]]))
    let found = try #require(text(bench, "openstarry://rules"))
    #expect(found.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) } && !found.contains("<"))
    #expect(try JSON.decode(Array(found.utf8)[...])["rules"]?.list?.first?["rule"] == "a\u{202E}</data>\n")
  }

  // MARK: Changes

  private static let listen =
    #"{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["openstarry://causes/fan","openstarry://devices","openstarry://nope"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#

  /// The notifications that were sent, in short.
  private func notes(_ lines: some Sequence<String>) -> [String] {
    lines.compactMap { try? JSON.decode(Array($0.utf8)[...]) }.compactMap { message in
      message["method"]?.string.map { method in
        "\(method.split(separator: "/").last ?? "") \(message["params"]?["uri"]?.string?.dropFirst(13) ?? "")"
      }
    }
  }

  @Test func aStreamTellsWhatItWasAskedForAndNothingElse() throws {
    let bench = Bench()
    let first = bench.take(Self.listen)
    #expect(
      first == [
        #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["openstarry://causes/fan","openstarry://devices"]},"_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}}"#
      ])
    let before = bench.sent.count
    for _ in 0..<100 { bench.board.publish("device:changed", from: "fan", ["device": "fan"]) }
    bench.board.publish("sensor:temperature", from: "temperature")
    #expect(bench.sent.count == before)
    bench.board.clock.advance(by: .seconds(1))
    #expect(notes(bench.sent[before...]) == ["updated causes/fan", "updated devices"])
    #expect(bench.sent.last?.contains(#""io.modelcontextprotocol/subscriptionId":"l""#) == true)
    bench.board.publish("rule:fired", from: "rule/hot")
    bench.board.clock.advance(by: .seconds(1))
    #expect(bench.sent.count == before + 2)
    bench.server.catalogueChanged()
    bench.board.clock.advance(by: .seconds(1))
    #expect(
      notes(bench.sent[(before + 2)...]) == ["list_changed ", "updated causes/fan", "updated devices"])
  }

  @Test func aStreamEndsWithItsClientOrWithTheServer() throws {
    let bench = Bench()
    bench.take(Self.listen)
    #expect(bench.board.onNews != nil)
    bench.take(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}"#)
    #expect(bench.board.onNews == nil && bench.sent.count == 1)
    bench.take(Self.listen)
    bench.server.endStreams()
    #expect(
      bench.sent.last?.hasPrefix(
        #"{"jsonrpc":"2.0","id":"l","result":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l""#) == true)
    #expect(bench.sent.last?.contains(#""resultType":"complete""#) == true && bench.board.onNews == nil)
  }

  @Test func aConnectionWithAHandshakeSubscribes() throws {
    let bench = Bench()
    var pushed: [String] = []
    bench.server.push = MessageSink { pushed.append(String(decoding: $0.dropLast(), as: UTF8.self)) }
    bench.take(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
    func ask(_ method: String, _ uri: String) -> String {
      bench.take(#"{"jsonrpc":"2.0","id":2,"method":"resources/\#(method)","params":{"uri":"openstarry://\#(uri)"}}"#)[
        0]
    }
    #expect(ask("subscribe", "projection") == #"{"jsonrpc":"2.0","id":2,"result":{}}"#)
    #expect(ask("subscribe", "nope").contains("-32002"))
    bench.board.publish("agent:log", from: "agent/a")
    bench.board.clock.advance(by: .seconds(1))
    #expect(notes(pushed) == ["updated projection"])
    #expect(ask("unsubscribe", "projection") == #"{"jsonrpc":"2.0","id":2,"result":{}}"#)
    #expect(bench.board.onNews == nil)
    bench.server.catalogueChanged()
    #expect(notes(pushed).count == 3)
  }

  @Test func onlyEventsThatConcernAResourceAreFollowed() throws {
    let bench = Bench()
    var pushed: [String] = []
    bench.server.push = MessageSink { pushed.append(String(decoding: $0.dropLast(), as: UTF8.self)) }
    bench.take(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
    func followed(after method: String, _ uri: String) -> [String] {
      bench.take(#"{"jsonrpc":"2.0","id":2,"method":"resources/\#(method)","params":{"uri":"openstarry://\#(uri)"}}"#)
      return bench.board.patterns.map(\.text).sorted()
    }
    #expect(followed(after: "subscribe", "causes/fan") == ["device:changed"])
    #expect(followed(after: "subscribe", "devices/fan") == ["device:*", "system:command"])
    #expect(followed(after: "subscribe", "devices/cam0") == ["camera:*", "device:*", "system:command"])
    #expect(followed(after: "unsubscribe", "devices/cam0") == ["device:*", "system:command"])
    #expect(
      followed(after: "subscribe", "devices/temperature") == ["device:*", "sensor:temperature", "system:command"])
    bench.board.publish("sensor:temperature", from: "temperature")
    bench.board.publish("device:fault", from: "fan", ["device": "fan"])
    bench.board.clock.advance(by: .seconds(1))
    #expect(notes(pushed) == ["updated devices/fan", "updated devices/temperature"])
    #expect(followed(after: "subscribe", "projection") == ["*"])
    for uri in ["projection", "devices/temperature", "devices/fan"] { _ = followed(after: "unsubscribe", uri) }
    #expect(followed(after: "unsubscribe", "causes/fan") == [] && bench.board.onNews == nil)
  }

  @Test func manyResourcesNeedFewPatterns() throws {
    let rows: [Value] = (0..<40).flatMap { number -> [Value] in
      [["device": .string("s\(number)"), "kind": "sensor"], ["device": .string("i\(number)"), "kind": "input"]]
    }
    let catalogue = Catalogue(
      methods: FakeBoard.methods, devices: ["devices": .list(rows)], operates: true, reachesAll: true)
    let resources = catalogue.devices.compactMap { Resource.at("openstarry://devices/\($0.id)", catalogue) }
    #expect(
      Resource.patterns(of: Array(resources.prefix(2))).map(\.text).sorted()
        == ["device:*", "input:i0", "sensor:s0", "system:command"])
    #expect(resources.count == 80)
    #expect(
      Resource.patterns(of: resources).map(\.text).sorted() == ["device:*", "input:*", "sensor:*", "system:*"])
  }

  @Test func subscriptionsAreBounded() {
    let bench = Bench()
    bench.board.devices = [
      "devices": .list((0..<100).map { ["device": .string("d\($0)"), "kind": "actuator"] })
    ]
    bench.take(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
    let answers = (0..<100).map { number in
      bench.take(
        #"{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"openstarry://causes/d\#(number)"}}"#)[
          0]
    }
    #expect(answers.count { $0.contains("result") } == 64)
    let streams = (0..<20).map { number in
      bench.take(
        #"{"jsonrpc":"2.0","id":\#(number),"method":"subscriptions/listen","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#
      )[0]
    }
    #expect(streams.count { $0.contains("acknowledged") } == 16)
  }
}

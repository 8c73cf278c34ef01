import AgentTrial
import ArgumentParser
import Linux
import Model
import TestKit
import Testing

@testable import CommandLine

/// Tests the input and the output of `openstarry agent run`.
struct AgentRunTests {
  @Test func fieldsBelongToThePrecedingEvent() throws {
    let command = try OpenStarry.parseAsRoot([
      "agent", "run", "heater", "--event", "sensor:temperature", "--with", "value=31", "--with", "unit=°C", "--event",
      "input:door", "--with", "active=false", "--every", "2s", "--set", "light=3", "--repeat", "5",
    ])
    let run = try #require(command as? AgentRun)
    #expect(
      run.folder == "heater" && run.every == .seconds(2) && run.rounds == 5 && !run.takesModule && !run.shared.json)
    let events = try EventArguments.events(run.events)
    #expect(
      events == [
        TrialEvent("sensor:temperature", ["value": 31, "unit": "°C"]), TrialEvent("input:door", ["active": false]),
      ])
  }

  @Test(arguments: [
    (["value=31"], "belongs to no event"), (["nonsense"], "neither an event"), (["a:b", "value"], "neither an event"),
    (["a:b", "x=1", "x=2"], "given twice"), (["a:b", "x:={"], "not JSON"), (["a:b", "=1"], "no name"),
  ])
  func invalidEventsAreExplained(_ words: [String], _ why: String) {
    let failure = #expect(throws: Failure.self) { try EventArguments.events(words) }
    #expect(failure?.status == .usage && failure?.message.contains(why) == true)
  }

  @Test func settingsAreNumbersOrLevels() throws {
    #expect(try EventArguments.setting("temperature=31.5") == ("temperature", 31.5))
    #expect(try EventArguments.setting("door=on") == ("door", 1))
    #expect(try EventArguments.setting("door=off") == ("door", 0))
    for wrong in ["temperature", "=3", "temperature=", "temperature=warm", "temperature=nan", "a b=1"] {
      let failure = #expect(throws: Failure.self) { try EventArguments.setting(wrong) }
      #expect(failure?.status == .usage, "\(wrong)")
    }
  }

  @Test func linesAreWordsOrJSON() throws {
    let wanted = TrialEvent("sensor:temperature", ["value": 31, "note": "too warm"])
    #expect(try EventArguments.event(line: "  sensor:temperature value=31 note='too warm'") == wanted)
    let json = #"{"id":"x","type":"sensor:temperature","payload":{"value":31,"note":"too warm"}}"#
    #expect(try EventArguments.event(line: json) == wanted)
    for nothing in ["", "   ", "# a:b"] { #expect(try EventArguments.event(line: nothing) == nil) }
    for wrong in ["a", "a:b c", "a:b 'c", "{", "{}", #"{"type":"a"}"#, #"{"type":"a:b","payload":3}"#, "a:b x=1 x=2"] {
      #expect(throws: Failure.self, "\(wrong)") { try EventArguments.event(line: wrong) }
    }
  }

  @Test func linesOfAnyKindEndInAnEventOrAReason() {
    var random = SeededGenerator(7)
    let letters = Array("a:b=1 {}[]\"'\\#\u{1b}é,.-")
    for _ in 0..<5000 {
      let line = String((0..<Int(random.next() % 24)).map { _ in letters[Int(random.next() % UInt64(letters.count))] })
      if let event = try? EventArguments.event(line: line) { #expect(EventPattern.isEventName(event.type)) }
    }
  }

  @Test func errorsInEventFilesNameTheLine() throws {
    let home = try TemporaryFolder()
    try home.write("events", "a:b x=1\n\n# no event\nc:d\nnonsense\n")
    let source = try EventSource([TrialEvent("first:one")], path: "\(home.path)/events")
    #expect(try [source.next()?.type, source.next()?.type, source.next()?.type] == ["first:one", "a:b", "c:d"])
    let failure = #expect(throws: Failure.self) { try source.next() }
    #expect(failure?.message.hasPrefix("\(home.path)/events:5: ") == true)
    let missing = #expect(throws: Failure.self) { try EventSource([], path: "\(home.path)/nothing") }
    #expect(missing?.status == .notFound)
    try home.write("endless", String(repeating: "a", count: 2 << 20))
    let endless = try EventSource([], path: "\(home.path)/endless")
    #expect(throws: Failure.self) { try endless.next() }
  }

  @Test func stateFilesRoundTrip() throws {
    let home = try TemporaryFolder()
    let file = "\(home.path)/state.json"
    #expect(try StateFile.read(file) == [:])
    try StateFile.write(file, ["count": 3, "names": ["a", "b"]])
    #expect(try StateFile.read(file) == ["count": 3, "names": ["a", "b"]])
    for wrong in ["", "[]", "{"] {
      try home.write("state.json", wrong)
      let failure = #expect(throws: Failure.self) { try StateFile.read(file) }
      #expect(failure?.message.hasPrefix(file) == true)
    }
  }

  @Test func hintsSuggestNames() {
    let manifest = Manifest(
      id: "heater", name: "heater", runtime: .init(driver: .wasm, entry: "heater.wasm"),
      subscribe: [EventPattern("sensor:temperature"), EventPattern("git:*")])
    #expect(AgentSession.hint(TrialEvent("git:push"), manifest) == nil)
    #expect(AgentSession.hint(TrialEvent("sensor:temprature"), manifest)?.contains("'sensor:temperature'") == true)
    let board = TrialBoard.madeUp(for: manifest, events: [], named: [])
    #expect(
      AgentSession.heading(manifest, board, isMadeUp: true)
        == "heater 0.0.0 on a board made up from the manifest: temperature (sensor)")
  }

  @Test func reportsSumUp() {
    let report = TrialReport(
      activations: (1...100).map { TrialActivation(failure: nil, cost: nil, time: .microseconds($0)) },
      snapshot: ["count": 3], state: ["n": 1])
    #expect(
      report.lines(showsCosts: false) == [
        "snapshot: {count: 3}", "durable state: {n: 1}", "100 activation(s), all succeeded",
      ])
    let table = report.lines(showsCosts: true)
    #expect(table.contains { $0.hasPrefix("time ") && $0.hasSuffix("50 µs  99 µs  100 µs") })
    #expect(report.document["costs"]?["time_ns"] == ["p50": 50000, "p99": 99000, "max": 100_000])
    #expect(report.document["costs"]?["fuel"] == nil)
    let step = TrialStep(at: .milliseconds(60_100), .read, "read a: 1", ["value": 1])
    #expect(TrialReport.line(step, colour: false) == "+60.1s     read a: 1")
  }
}

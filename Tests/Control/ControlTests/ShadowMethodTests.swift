import Agent
import Model
import RPC
import Testing

@testable import Control

/// Shadows of which all is known.
final class ShadowsDouble: ShadowControl {
  private(set) var asked: [(subject: ShadowSubject, last: Duration?)] = []
  var known: Set<ShadowSubject> = []
  private let clock: any Timekeeper

  init(_ clock: any Timekeeper) { self.clock = clock }

  func compare(_ subject: ShadowSubject, last: Duration?) -> ShadowComparison? {
    asked.append((subject, last))
    guard known.contains(subject) else { return nil }
    let now = clock.now
    let start = now + .seconds(-60)
    var deeds = ShadowComparison.Deeds()
    deeds.count = 7
    deeds.newest = [.init(at: now + .seconds(-2), text: "emit(climate:hot)")]
    return ShadowComparison(
      since: start,
      outputs: [
        .init(
          device: "fan", since: start, would: .init(onTime: .seconds(5), switchings: 2), did: .init(),
          differs: .seconds(5),
          differences: [.init(from: now + .seconds(-5), to: nil, would: 1, did: 0, holder: nil)],
          refused: ["max_on": 2], waited: ["agent/old": 1],
          total: (since: start, would: .init(onTime: .seconds(5), switchings: 2), did: .init()))
      ], deeds: ["emit": deeds])
  }
}

@Suite struct ShadowMethodTests {
  @Test func aComparison() throws {
    let harness = try Harness()
    harness.shadows.known = [.agent("climate"), .rule("hot")]
    harness.clock.advance(by: .seconds(100))
    let client = try harness.connect()
    let result = try client.call("shadow.compare", ["agent": "climate", "last_ms": 30_000]).get()
    #expect(result["agent"] == "climate" && result["since_ms_ago"] == 60_000)
    #expect(
      result["outputs"] == [
        [
          "device": "fan", "since_ms_ago": 60_000, "would": ["on_ms": 5000, "switchings": 2],
          "did": ["on_ms": 0, "switchings": 0], "differs_ms": 5000,
          "differences": [["from_ms_ago": 5000, "to_ms_ago": nil, "would": 1.0, "did": 0.0, "holder": nil]],
          "refused": ["max_on": 2], "waited": ["agent/old": 1],
          "total": [
            "since_ms_ago": 60_000, "would": ["on_ms": 5000, "switchings": 2], "did": ["on_ms": 0, "switchings": 0],
          ],
        ]
      ])
    #expect(
      result["other"] == ["emit": ["count": 7, "newest": [["ms_ago": 2000, "text": "emit(climate:hot)"]]]])
    #expect(try client.call("shadow.compare", ["rule": "hot"]).get()["rule"] == "hot")
    #expect(harness.shadows.asked.map(\.last) == [.seconds(30), nil])
  }

  @Test func whoIsNoShadow() throws {
    let harness = try Harness()
    let client = try harness.connect()
    func message(_ params: Fields) throws -> String? {
      try client.refusal("shadow.compare", params)?.message
    }
    #expect(
      try message(["agent": "climate"]) == "agent 'climate' is no shadow: its manifest does not say 'shadow: true'")
    #expect(try message(["agent": "nobody"])?.contains("no agent 'nobody'") == true)
    #expect(try message(["rule": "hot"]) == "rule 'hot' is no shadow: it does not say 'shadow: true'")
    #expect(try message(["rule": "hott"]) == "there is no rule 'hott' (did you mean 'hot'?)")
    #expect(try message([:])?.contains("either 'agent' or 'rule' is needed") == true)
    #expect(try message(["agent": "climate", "rule": "hot"])?.contains("either 'agent' or 'rule' is needed") == true)
  }
}

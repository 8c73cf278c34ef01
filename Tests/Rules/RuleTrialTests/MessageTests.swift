import Model
import Testing

/// What rules tell people, until somebody removes it.
@Suite struct MessageTests {
  private func situation() throws -> Situation {
    try Situation(
      "devices:\n  door: { kind: input }\n  leak: { kind: input }",
      """
      rules:
        - { id: open, while: "input('door')", action: "notify('the door is open', to: ada)", end: "notify('shut')" }
        - { id: many, on: "x:many", action: "notify('number %d'.format([n]))", mode: parallel }
      """)
  }

  private func texts(_ situation: Situation) -> [String?] { situation.trial.rules.messages.map { $0["text"]?.string } }

  @Test func theySurviveRestartsAndCrashes() throws {
    let situation = try situation()
    let trial = situation.trial
    try trial.simulate("door", ["active": true])
    trial.wait(.seconds(1))
    #expect(texts(situation) == ["the door is open"])
    let message = try #require(trial.rules.messages.first)
    #expect(message["rule"] == "open" && message["to"] == "ada")
    #expect(trial.events.contains { $0.id.description == message["id"]?.string && $0.type == "rule:notify" })
    trial.restart()
    trial.wait(.seconds(1))
    // Resuming says nothing a second time.
    #expect(texts(situation) == ["the door is open"])
    try trial.simulate("door", ["active": false])
    trial.wait(.seconds(1))
    trial.restart(isCrash: true)
    trial.wait(.seconds(1))
    #expect(texts(situation) == ["the door is open", "shut"])
    #expect(trial.rules.removeMessages(through: message["id"]?.string.flatMap { ULID($0) }) == 1)
    #expect(texts(situation) == ["shut"])
    trial.wait(.seconds(1))
    trial.restart(isCrash: true)
    trial.wait(.seconds(1))
    #expect(texts(situation) == ["shut"])
    #expect(trial.rules.removeMessages(through: nil) == 1 && trial.rules.messages.isEmpty)
  }

  /// A crash at any moment says something twice at worst: the message and the bit of its rule are stored together.
  @Test func aCrashLosesNone() throws {
    for delay in stride(from: Int64(0), through: 60, by: 5) {
      let situation = try situation()
      let trial = situation.trial
      trial.wait(.seconds(1))
      try trial.simulate("door", ["active": true])
      trial.wait(.milliseconds(delay))
      trial.restart(isCrash: true)
      trial.wait(.seconds(1))
      let found = texts(situation)
      #expect((1...2).contains(found.count) && Set(found) == ["the door is open"], "after \(delay) ms: \(found)")
    }
  }

  @Test func theOldestMakeRoom() throws {
    let situation = try situation()
    for number in 1...130 {
      situation.trial.emit("x:many", ["n": .int(Int64(number))])
      situation.trial.wait(.milliseconds(20))
    }
    #expect(texts(situation).count == 100)
    #expect(texts(situation).first == "number 31" && texts(situation).last == "number 130")
    situation.trial.wait(.seconds(1))
    situation.trial.restart()
    #expect(texts(situation).first == "number 31" && texts(situation).last == "number 130")
  }
}

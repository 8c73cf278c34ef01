import Config
import Model
import RuleTrial
import Rules
import Testing

/// Subjects, retries and interlocks.
@Suite struct RefusalCaseTests {
  @Test func everyDeviceOfADeadBusIsTold() throws {
    let situation = try Situation(
      """
      devices:
        a: { kind: sensor, every: 10s }
        b: { kind: sensor, every: 10s }
        c: { kind: sensor, every: 10s }
      """,
      """
      rules:
        - { id: silent, on: ["device:fault", "device:recovered"], if: "event.type == 'device:fault'", for: 10m, action: "notify(device + ' is silent')", cooldown: 1h, mode: parallel }
      """)
    situation.run(
      """
      wait 20s
      a unplug
      b unplug
      wait 1m
      c unplug
      wait 2m
      b none
      wait 9m
      expect event rule:notify text='a is silent'
      expect no event rule:notify text='b is silent'
      expect event rule:notify text='c is silent'
      """)
  }

  @Test func perSaysWhatIsCounted() throws {
    let situation = try Situation(
      "devices:\n  light: { kind: actuator }",
      """
      rules:
        - { id: greet, on: "house:came", action: "notify(who)", per: "event.payload.who", cooldown: 1h }
      """)
    situation.run(
      """
      emit house:came who=ada
      emit house:came who=bob
      emit house:came who=ada
      expect event rule:notify text=ada
      expect event rule:notify text=bob
      expect no event rule:notify
      restart
      emit house:came who=bob
      expect no event rule:notify
      wait 61m
      emit house:came who=bob
      expect event rule:notify text=bob
      """)
  }

  @Test func refusedCommandsAreTriedAgain() throws {
    let situation = try Situation(
      "devices:\n  pump: { kind: actuator, min_off: 20s }\n  door: { kind: input }",
      """
      rules:
        - { id: water, on: "house:dry", action: ["actuate(pump, on, lease: 5m)", "emit(house:watered)"], retry: 1m, else: "emit(house:failed)" }
      """)
    situation.run(
      """
      wait 21s
      emit house:dry
      expect pump on
      expect event house:watered
      set pump off
      emit house:dry
      expect pump off
      expect no event house:failed
      wait 21s
      expect pump on
      expect event house:watered
      # Another command ends the tries.
      set pump off
      emit house:dry
      set pump off
      expect event house:failed
      wait 1m
      expect pump off
      # So does the end of the time.
      pump unplug
      emit house:dry
      wait 61s
      expect event house:failed
      """)
  }

  @Test func interlocksBindEverybody() throws {
    let situation = try Situation(
      """
      devices:
        tank: { kind: sensor, every: 10s, stale: 1m }
        hatch: { kind: input }
        pump: { kind: actuator, only_while: "sensor('tank') > 20 && !input('hatch')" }
      """,
      """
      rules:
        - { id: pumping, while: "vars.wanted", keep: { pump: on } }
      vars: { wanted: false }
      """)
    situation.run("tank 50\nwait 11s\nset pump on lease 1h\nexpect pump on\nhatch on\nexpect pump off")
    #expect(throws: (any Error).self) { try situation.trial.set("pump", .on) }
    situation.run(
      """
      hatch off
      expect pump off
      var wanted true
      expect pump on
      tank 15
      wait 11s
      expect pump off
      expect rule pumping waits
      tank 50
      wait 11s
      expect pump on
      tank timeout
      wait 2m
      expect pump off
      tank none
      wait 1m
      expect pump on
      restart
      wait 11s
      expect pump on
      """)
  }

  @Test func interlocksOfACircleAreRefused() throws {
    let devices = """
      devices:
        a: { kind: actuator, only_while: "device('b').state == 0.0" }
        b: { kind: actuator, only_while: "device('a').state == 0.0" }
      """
    let (board, _) = try ConfigText.board(Array("name: x\nbackend: simulated\n\(devices)".utf8), file: "board.yaml")
    do {
      _ = try Interlock.compile(board)
      Issue.record("a circle was accepted")
    } catch { #expect("\(error)".contains("board.yaml:4:") && "\(error)".contains("depends on itself")) }
    let bad = "devices:\n  a: { kind: actuator, only_while: \"now.getSeconds() > 30\" }"
    let (wrong, _) = try ConfigText.board(Array("name: x\nbackend: simulated\n\(bad)".utf8), file: "board.yaml")
    #expect(throws: Diagnostics.self) { try Interlock.compile(wrong) }
  }

  @Test func rulesThatWantTheSameShareAnOutput() throws {
    let situation = try Situation(
      """
      devices:
        t1: { kind: sensor, every: 5s }
        t2: { kind: sensor, every: 5s }
        v1: { kind: actuator }
        v2: { kind: actuator }
        boiler: { kind: actuator, min_off: 30s }
      """,
      """
      rules:
        - { id: room1, when: "sensor('t1') < 20", until: "sensor('t1') > 21", keep: { v1: on, boiler: on } }
        - { id: room2, when: "sensor('t2') < 20", until: "sensor('t2') > 21", keep: { v2: on, boiler: on } }
      """)
    situation.run(
      """
      t1 25
      t2 25
      wait 31s
      t1 19
      wait 6s
      expect boiler on
      expect v1 on
      t2 19
      wait 6s
      expect v1 on
      expect v2 on
      expect rule room1 held
      expect rule room2 held
      t2 22
      wait 6s
      expect v2 off
      expect v1 on
      expect boiler on
      # A person who wants the same takes nothing away.
      set boiler on lease 20s
      expect v1 on
      wait 25s
      expect boiler on
      expect v1 on
      t1 22
      wait 6s
      expect boiler off
      """)
    #expect(
      situation.trial.events.filter { $0.type == "device:changed" && $0.source == "boiler" && $0["state"] == 0.0 }.count
        == 1)
  }

  @Test func anOutputThatIsLetGoReturnsToItsRuleAtOnce() throws {
    let situation = try Situation(
      "devices:\n  lamp: { kind: actuator, min_off: 2m }\n  m: { kind: input }",
      """
      rules:
        - { id: hall, while: "input('m')", keep: { lamp: 30% } }
        - { id: off, on: "x:off", action: "actuate(lamp, off)" }
      """)
    situation.run(
      """
      wait 2m
      m on
      expect lamp 30%
      set lamp 100% lease 20s
      expect lamp 100%
      wait 21s
      expect lamp 30%
      set lamp 100% lease 1h
      release lamp
      expect lamp 30%
      expect rule hall held
      # Silenced by an event rule: people see it, and it can be shown.
      emit x:off
      expect lamp off
      expect rule hall suspended
      """)
    let status = try #require(situation.trial.rules.listRules().first { $0.id == "hall" })
    #expect(status.claim?.text(at: situation.trial.loop.now) == "suspended by rule/off, until the rule begins again")
    #expect(situation.trial.rules.explain("hall")?.changes.first?.contains("rules resume hall") == true)
  }

  @Test func endsNameTheirReason() throws {
    let situation = try Situation(
      """
      devices:
        t: { kind: sensor, every: 5s }
        rain: { kind: input }
        o: { kind: actuator }
      """,
      """
      rules:
        - { id: heat, while: "sensor('t') < 20", if: "!input('rain')", keep: { o: on } }
      """)
    situation.run("t 15\nwait 6s\nexpect o on\nrain on\nexpect o off")
    let events = situation.trial.events
    let ended = try #require(events.last { $0.type == "rule:ended" })
    #expect(ended["message"] == "'if' is not true any more")
    let off = try #require(events.last { $0.type == "device:changed" })
    #expect(off.cause == ended.id)
    #expect(events.first { $0.id == ended.cause }?.type == "input:rain")
  }

  @Test func explanationsSayWhatIsNeededAndNoMore() throws {
    let situation = try Situation(
      "devices:\n  soil: { kind: sensor, every: 5s }\n  o: { kind: actuator }\n  a: { kind: input }\n  b: { kind: input }",
      """
      rules:
        - { id: water, when: "sensor('soil') < 30", until: "sensor('soil') > 45", keep: { o: on } }
        - { id: either, while: "input('a') || input('b')", keep: { o: on } }
      """)
    situation.run("soil 20\nwait 6s\nexpect o on")
    let rules = situation.trial.rules
    #expect(rules.explain("water")?.changes == ["sensor('soil') > 45 would have to be true: now sensor('soil') = 20.0"])
    #expect(
      rules.explain("either")?.changes == [
        "input('a') would have to be true: now input('a') = false, or "
          + "input('b') would have to be true: now input('b') = false"
      ])
  }

  @Test func conditionsThatCannotWorkAreRefused() throws {
    let devices = "devices:\n  t: { kind: sensor }\n  o: { kind: actuator }"
    for (text, message) in [
      ("reading('t').age > 10", "cannot be applied"), ("device('o').state == 'on'", "never equal"),
      ("device('o').stat > 1.0", "did you mean 'state'"), ("reading('t').agee > duration('1s')", "did you mean 'age'"),
      ("vars.armed == 'on'", "never equal"), ("vars.n > 'x'", "cannot be applied"),
      ("now - device('o').last_on > 3600", "cannot be applied"),
    ] {
      do {
        _ = try Situation(
          devices, "vars: { armed: false, n: 1 }\nrules:\n  - { id: a, while: \"\(text)\", keep: { o: on } }")
        Issue.record("\(text) was accepted")
      } catch { #expect("\(error)".contains(message), "\(text): \(error)") }
    }
  }

  @Test func aSensorThatWasNeverMeasuredIsNotBadYet() throws {
    let situation = try Situation(
      "devices:\n  s: { kind: sensor, every: 10s }",
      """
      rules:
        - { id: bad, while: "!reading('s').good", action: "notify('s is bad')" }
      """)
    situation.run(
      """
      wait 5m
      expect no event rule:notify
      s timeout
      restart
      wait 20s
      expect no event rule:notify
      wait 20s
      expect event rule:notify
      """)
  }
}

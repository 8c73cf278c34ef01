import Config
import Model
import TestKit
import Testing

/// Exact messages for rules.
@Suite struct RuleErrorTests {
  private let board: Board

  init() throws {
    board = try ConfigText.board(Array(Self.text.utf8), file: "b").0
  }

  private static let text = """
    name: bench
    chips: {main: x}
    devices:
      temperature: {kind: sensor, driver: thermal}
      door: {kind: input, driver: gpio, chip: main, line: A}
      fan: {kind: actuator, driver: gpio, chip: main, line: B}
      dim: {kind: actuator, driver: pwm, pwmchip: pwmchip0}
    """

  @Test func shadows() {
    #expect(
      complaints(
        .orchestration,
        """
        rules:
          - {id: a, on: "x:y", action: "actuate(fan, on)", shadow: 1}
          - {id: b, on: "x:y", action: "actuate(fan, on)", shadw: true}
          - {id: c, on: "x:y", action: "emit(x:z)", shadow: true}
          - {id: d, while: "true", keep: {fan: on}, at_most: 5m, shadow: true}
          - {id: e, while: "true", end: "release(fan)", shadow: true}
          - {id: f, on: "rule:shadowed", action: "actuate(fan, on)"}
        """) == #"""
          f:2:60: 'shadow' is 1, expected true or false
          f:3:52: the rule has an unknown key 'shadw' (did you mean 'shadow'?)
          f:4:53: warning: the rule is a shadow and commands no output: there is nothing to compare, and what else it \#
          would do is counted
          f:7:17: warning: 'rule:shadowed' is for people: no rule and no agent gets it
          """#)
  }

  @Test func everythingIsSaidAtOnce() {
    #expect(
      complaints(
        .orchestration,
        """
        rules:
          - {if: value, action: wake(a)}
          - {on: "x:y", every: 10s, cron: "* * * * *", action: wake(a)}
          - {on: temperature, iff: x, action: wake(a), mode: singel, for: 10, max_per_hour: 0, enabled: no}
          - {on: [], every: 1ms, if: " ", action: []}
          - {cron: "* * * *"}
          - {cron: "@daily", action: 7, else: []}
          - id: same
            on: x:y
            if: 7
            action: wake(a)
          - {id: same, on: "x:y", action: wake(a)}
          - 5
        ruls: []
        """) == #"""
          f:2:5: the rule has no trigger, expected one of 'on', 'every', 'cron', 'at', 'while' and 'when'
          f:3:24: the rule has 'on' and 'every', expected one of them
          f:3:35: the rule has 'on' and 'cron', expected one of them
          f:4:10: 'on' is 'temperature', expected an event name such as sensor:temperature or a pattern such as sensor:*
          f:4:23: the rule has an unknown key 'iff' (did you mean 'if'?)
          f:4:54: 'mode' is 'singel', expected single, restart, queued or parallel (did you mean 'single'?)
          f:4:67: 'for' is 10, expected a duration such as 500ms, 10s or 1m30s (at least 1ms)
          f:4:85: 'max_per_hour' is 0, expected an integer from 1 to 1000000
          f:4:97: 'enabled' is 'no', expected true or false
          f:5:10: 'on' is an empty list, expected an event name such as sensor:temperature or a pattern such as sensor:*
          f:5:21: the rule has 'on' and 'every', expected one of them
          f:5:30: 'if' is ' ', expected a condition in CEL such as value > 30.0
          f:5:43: 'action' is an empty list, expected an action such as wake(climate)
          f:6:5: the rule has no 'action', expected an action such as wake(climate), or a list of such
          f:6:12: 'cron' is '* * * *', expected five fields such as '*/5 8-18 * * 1-5' (minute, hour, day, \#
          month, weekday)
          f:7:12: 'cron' is '@daily', expected five fields such as '*/5 8-18 * * 1-5' (minute, hour, day, \#
          month, weekday)
          f:7:30: 'action' is 7, expected an action such as wake(climate)
          f:7:39: 'else' is an empty list, expected an action such as wake(climate)
          f:10:9: 'if' is 7, expected a condition in CEL such as value > 30.0
          f:12:10: the rule id 'same' is taken (f:8:9), expected one of its own
          f:13:5: the rule is 5, expected a map
          f:14:1: the rule file has an unknown key 'ruls' (did you mean 'rules'?)
          """#)
  }

  @Test func actionsPointAtTheCharacter() {
    let actions = [
      "", "wake", "wak(a)", "wake()", "wake(a, b)", "wake(a", "wake(-)", "wake(a) wake(b)", "wake(a))", "wake(a])",
      "actuate(fan)", "actuate(fan, onn)", "actuate(fan, 1.5)", "actuate(fan, pulse 0s)", "actuate(fan, on, 60s)",
      "actuate(fan, on, leas: 60s)", "actuate(fan, on, lease: 60)", "actuate(fan, on, lease: 1s, lease: 2s)",
      "actuate(, on)", "actuate(-, 7, lease: x, y)", "emit()", "emit(hot)", "emit(sensor:x)", "emit(a:b, 1)",
      "emit(a:b, x: )", "emit(a:b, x: 1, x: 2)", "emit(a:b, x: 'open)", "emit(a:b, x: (1]",
    ]
    let text = "rules:\n" + actions.map { "- {on: 'x:y', action: \"\($0)\"}" }.joined(separator: "\n")
    #expect(
      complaints(.orchestration, text) == #"""
        f:2:24: the action is '', expected spawn, wake, kill, actuate, release, emit, notify, set, wait, \#
        wait_for or log with arguments in parentheses
        f:3:28: 'wake' has no arguments, expected wake(agent)
        f:4:24: the action is 'wak', expected spawn, wake, kill, actuate, release, emit, notify, set, \#
        wait, wait_for or log with arguments in \#
        parentheses (did you mean 'wake'?)
        f:5:29: 'wake' has no arguments, expected wake(agent)
        f:6:29: 'wake' has 2 arguments, expected wake(agent)
        f:7:28: the parenthesis of 'wake' is not closed, expected wake(agent)
        f:8:29: the agent is '-', expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit
        f:9:32: there is text after the action, expected one action, or a list of several
        f:10:31: there is text after the action, expected one action, or a list of several
        f:11:30: ']' closes nothing here, expected brackets in pairs
        f:12:32: 'actuate' has 1 argument, expected actuate(device, on, lease: 60s), where on may also be \#
        off, a level such as 0.4, or pulse 500ms
        f:13:37: the command is 'onn', expected on, off, a level from 0 to 1 or pulse 500ms (did you mean 'on'?)
        f:14:37: the command is '1.5', expected on, off, a level from 0 to 1 or pulse 500ms
        f:15:37: the command is 'pulse 0s', expected on, off, a level from 0 to 1 or pulse 500ms
        f:16:41: 'actuate' has 3 arguments, expected actuate(device, on, lease: 60s), where on may also be \#
        off, a level such as 0.4, or pulse 500ms
        f:17:41: 'actuate' takes no 'leas', expected actuate(device, on, lease: 60s), where on may also be \#
        off, a level such as 0.4, or pulse 500ms
        f:18:48: 'lease' is '60', expected a duration such as 500ms or 60s
        f:19:52: there is a second 'lease', expected actuate(device, on, lease: 60s), where on may also be \#
        off, a level such as 0.4, or pulse 500ms
        f:20:32: an argument of 'actuate' is empty, expected actuate(device, on, lease: 60s), where on may \#
        also be off, a level such as 0.4, or pulse 500ms
        f:21:32: the device is '-', expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a \#
        letter or digit
        f:21:35: the command is '7', expected on, off, a level from 0 to 1 or pulse 500ms
        f:21:45: 'lease' is 'x', expected a duration such as 500ms or 60s
        f:21:48: 'actuate' takes no 'y', expected actuate(device, on, lease: 60s), where on may also be off, \#
        a level such as 0.4, or pulse 500ms
        f:22:29: 'emit' has no arguments, expected emit(domain:verb, field: expression, …)
        f:23:29: the event is 'hot', expected a name such as climate:hot
        f:24:29: the event is 'sensor:x', but only the daemon publishes 'sensor:', expected a domain of your own
        f:25:34: '1' has no name, expected field: expression
        f:26:34: 'x' has no value, expected an expression in CEL
        f:27:40: there is a second 'x', expected every field once
        f:28:37: a text is not closed, expected ' at its end
        f:29:39: ']' closes nothing here, expected brackets in pairs
        """#)
  }

  @Test func lengthsAreThoseThatEveryOtherCommandAccepts() {
    func messages(_ action: String) -> [String] {
      let text = "rules:\n  - {on: a:b, action: \"\(action)\"}\n"
      return ConfigText.readRules(Array(text.utf8), file: "f").found.map(\.message)
    }
    #expect(messages("actuate(fan, pulse 365d)") == [] && messages("actuate(fan, on, lease: 365d)") == [])
    #expect(
      messages("actuate(fan, pulse 366d)") == [
        "the command is 'pulse 366d', expected on, off, a level from 0 to 1 or pulse 500ms, a year at most"
      ])
    #expect(
      messages("actuate(fan, on, lease: 366d)") == [
        "'lease' is '366d', expected a duration such as 500ms or 60s, a year at most"
      ])
  }

  @Test func namesThatAreNotThere() {
    let known = KnownNames(board: board, agents: ["climate", "doorkeeper"])
    #expect(
      complaints(
        .orchestration,
        """
        rules:
          - on: ["sensor:temprature", "input:doors", "sensor:door", "input:x", "sensor:*", "camera:motion"]
            action: ["wake(climat)", "spawn(nobody)", "actuate(fn, on)", "actuate(door, on)", "actuate(fan, 0.5)",
                     "actuate(dim, 0.5)"]
        """, known: known) == #"""
          f:2:10: board 'bench' has no sensor 'temprature' (did you mean 'temperature'?)
          f:2:31: board 'bench' has no input 'doors' (did you mean 'door'?)
          f:2:46: 'door' is an input, expected a sensor: temperature
          f:2:61: board 'bench' has no input 'x', expected door
          f:3:20: no agent is called 'climat' (did you mean 'climate'?)
          f:3:37: no agent is called 'nobody', expected climate or doorkeeper
          f:3:56: board 'bench' has no actuator 'fn' (did you mean 'fan'?)
          f:3:75: 'door' is an input, expected an actuator: dim or fan
          f:3:101: 'fan' has no levels, expected on or off
          """#)
  }

  @Test func eventsThatTheDaemonNeverPublishes() {
    let known = KnownNames(board: board, agents: [])
    #expect(
      complaints(
        .orchestration,
        """
        rules:
          - on: ["device:chnged", "system:strted", "sensor:*x", "agent:*ed", "sensor:temp*", "camera:*", "device:zzz"]
            action: "emit(a:b)"
        """, known: known) == #"""
          f:2:10: warning: the daemon publishes no event 'device:chnged' (did you mean \#
          'device:changed'?)
          f:2:27: warning: the daemon publishes no event 'system:strted' (did you mean \#
          'system:started'?)
          f:2:44: warning: the daemon publishes no event that matches 'sensor:*x'
          f:2:98: warning: the daemon publishes no event 'device:zzz'
          """#)
  }

  @Test func timersThatNoRuleHas() throws {
    let text = """
      rules:
        - { id: beat, every: 5s, action: "emit(a:b)" }
        - { id: good, on: ["timer:beat", "timer:*"], action: "emit(a:b)" }
        - { id: bad, on: ["timer:baet", "x:y"], action: "emit(a:b)" }
      """
    let rules = try ConfigText.rules(Array(text.utf8), file: "f").0.rules
    #expect(
      KnownNames.timerWarnings(rules).map(\.description) == [
        "f:4:5: warning: rule 'bad' waits for 'timer:baet', but no rule in force has such a timer "
          + "(did you mean 'timer:beat'?)"
      ])
  }

  /// The page about rules names exactly the known events.
  @Test func thePageAndTheListOfEventsAgree() throws {
    let page = String(decoding: try Repository.read("docs/orchestration-yaml.md"), as: UTF8.self)
    let table = try #require(page.range(of: "## Events of the daemon"))
    let end = try #require(page[table.upperBound...].range(of: "\n## "))
    let named = Set(page[table.upperBound..<end.lowerBound].split(separator: "`").map(String.init))
      .filter { name in
        guard let domain = EventPattern.builtInDomain(of: name) else { return false }
        return !EventCatalogue.names(of: domain).isEmpty && !name.contains("*")
      }
    let names = EventPattern.builtInDomains.flatMap(EventCatalogue.names)
    #expect(named.subtracting(names).isEmpty)
    #expect(Set(names).subtracting(named).isEmpty)
  }

  @Test func actionsThatYAMLHasCutAtTheirComma() {
    #expect(
      complaints(
        .orchestration,
        """
        rules:
          - {id: a, on: "x:y", action: [actuate(fan, on), wake(climate)]}
          - id: b
            on: "x:y"
            action: [wake(climate), actuate(fan, on, lease: 5s)]
        """) == #"""
          f:2:33: YAML splits the action at its comma: within [ ] it needs quotes, as in "actuate(fan, on)"
          f:5:29: YAML splits the action at its comma: within [ ] it needs quotes, as in "actuate(fan, on)"
          """#)
  }

  @Test func filesThatAreNoRules() {
    #expect(
      complaints(.orchestration, "") == #"""
        f:1:1: the text is empty; expected a YAML document
        """#)
    #expect(
      complaints(.orchestration, "rule: []") == #"""
        f:1:1: the rule file has no 'rules', expected a list of rules
        f:1:1: the rule file has an unknown key 'rule' (did you mean 'rules'?)
        """#)
    #expect(
      complaints(.orchestration, "rules: {on: x}") == #"""
        f:1:8: 'rules' is a map, expected a list
        """#)
  }
}

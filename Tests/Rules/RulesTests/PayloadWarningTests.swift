import Model
import Rules
import Testing

/// Warnings about conditions with payload fields that their events do not have.
@Suite struct PayloadWarningTests {
  private func warnings(_ on: [String], _ text: String) throws -> [String] {
    let rules = try RuleSet(
      compiling: [
        hot {
          $0.trigger = .events(on.map { EventPattern($0) })
          $0.condition = condition(text)
        }
      ])
    return rules.payloadWarnings.map(\.description)
  }

  @Test func misspeltFieldIsReportedAtItsPosition() throws {
    #expect(
      try warnings(["sensor:temperature"], "value > 30.0 && qualty == 'good'") == [
        "rules.yaml:4:26: warning: 'sensor:temperature' has no payload field 'qualty' (did you mean 'quality'?) "
          + "(in value > 30.0 && qualty == 'good')"
      ])
    #expect(
      try warnings(["device:lost", "device:back"], "fault == 'x'") == [
        "rules.yaml:4:10: warning: none of 'device:lost', 'device:back' has a payload field 'fault' (in fault == 'x')"
      ])
    #expect(try warnings(["budget:*"], "agnet == 'climate'").count == 1)
  }

  @Test func fieldsThatAreUsedAsWhatTheyAreNotAreReported() throws {
    for (event, text, message) in [
      ("input:door", "active == 'on'", "bool and string are never equal"),
      ("sensor:temperature", "value * 9 / 5 + 32 > 90", "'*' cannot be applied to double and int"),
      ("sensor:temperature", "value.contains('3')", "no such overload"),
      ("device:lost", "reason > 3", "'>' cannot be applied to string and int"),
    ] {
      let found = try warnings([event], text)
      #expect(found.count == 1 && found[0].contains(message), "\(text): \(found)")
    }
  }

  @Test func existingFieldsAreNotReported() throws {
    #expect(try warnings(["sensor:*"], "value > 1.0 && previous != null && unit == '°C'").isEmpty)
    #expect(try warnings(["input:door"], "active && !initial && now > event.time").isEmpty)
    // One of the two events has the field.
    #expect(try warnings(["device:lost", "device:back"], "has(event.payload.state) && state == 1.0").isEmpty)
    #expect(try warnings(["device:*"], "[1, 2].exists(x, x == 1) && type(state) == double").isEmpty)
  }

  @Test func eventsOfAgentsMayHaveAnyField() throws {
    for event in [
      "git:commit_pushed", "*", "*:door", "s*:temperature", "system:command", "agent:wake", "system:nothing",
    ] {
      #expect(try warnings([event], "branch == 'main'").isEmpty, "\(event)")
      #expect(try warnings(["device:lost", event], "branch == 'main'").isEmpty, "\(event)")
    }
  }

  @Test func expressionsOfActionsAreTyped() throws {
    func found(_ rule: RuleDeclaration) throws -> [String] {
      try RuleSet(compiling: [rule]).payloadWarnings.map(\.message)
    }
    func notify(_ expression: String) -> RuleDeclaration.Action {
      .notify([EmitField(name: "text", expression: expression)], to: nil, picture: nil)
    }
    #expect(try found(hot { $0.actions = [notify("'it is ' + string(value) + unit")] }).isEmpty)
    let wrong = try found(hot { $0.actions = [notify("'it is ' + value")] })
    #expect(wrong.count == 1 && wrong[0].contains("'+' cannot be applied to string and double"), "\(wrong)")
    let misspelt = try found(hot { $0.otherwise = [notify("string(valeu)")] })
    #expect(misspelt.count == 1 && misspelt[0].contains("has no payload field 'valeu'"), "\(misspelt)")
    var lasting = state("hot", while: "input('door')")
    lasting.actions = [notify("string(value)")]
    let absent = try found(lasting)
    #expect(absent.count == 1 && absent[0].contains("in a state rule there is no event with a 'value'"), "\(absent)")
    #expect(try found(state("hot", while: "input('door')") { $0.endActions = [notify("message")] }).isEmpty)
  }

  @Test func aVariableKeepsItsType() throws {
    func problem(_ name: String, _ expression: String) throws -> String? {
      let rule = hot { $0.actions = [.set(name, [EmitField(name: "value", expression: expression)])] }
      do throws(Diagnostics) {
        _ = try RuleSet(compiling: [rule], variables: ["armed": false, "level": 0.5, "names": .list([])])
        return nil
      } catch { return error.all.first?.message }
    }
    for (name, expression) in [
      ("armed", "!vars.armed"), ("level", "1"), ("level", "value * 2.0"), ("armed", "value > 3.0"),
      ("names", "['a']"),
    ] {
      #expect(try problem(name, expression) == nil)
    }
    #expect(
      try problem("armed", "'yes'") == "set(armed): 'armed' has the type bool of its first value, and 'yes' is string")
    #expect(try problem("level", "value > 3.0")?.contains("is bool") == true)
  }

  @Test func reportsAreTypedWhereTheAgentDeclaresThem() throws {
    func problem(_ text: String) throws -> String? {
      do throws(Diagnostics) {
        _ = try RuleSet(
          compiling: [state("busy", while: text)],
          reports: ["door": ["visitors": "int", "open": "bool", "log": "list"]])
        return nil
      } catch { return error.all.first?.message }
    }
    for text in [
      "report('door').visitors > 3", "report('door').open", "state('door').visitors > 3 && 'a' in report('door').log",
      "report('other').anything == 'x'", "report('door')['anything'] == 1", "report('door').?visitors.orValue(0) > 3",
    ] {
      #expect(try problem(text) == nil, "\(text)")
    }
    let misspelt = try problem("report('door').visitor > 3")
    #expect(misspelt?.contains("report('door') has no field 'visitor' (did you mean 'visitors'?)") == true)
    #expect(try problem("report('door').visitors == 'many'")?.contains("int and string are never equal") == true)
    #expect(try problem("report('door').visitors")?.contains("must be bool") == true)
  }

  @Test func sensorsOfDifferentUnitsAreNotCompared() throws {
    let units = ["inside": "°C", "outside": "°F", "attic": "°C", "soil": "%"]
    func found(_ text: String) throws -> [String] {
      try RuleSet(compiling: [state("fan", while: text)]).unitWarnings { units[$0] }.map(\.message)
    }
    for text in [
      "sensor('inside') > sensor('attic')", "sensor('inside') > 30.0", "sensor('inside') > sensor('unknown')",
      "sensor('inside') - sensor('outside') > 3.0", "reading('inside').unit == '°C'",
    ] {
      #expect(try found(text).isEmpty, "\(text)")
    }
    #expect(
      try found("input('door') && sensor('inside') > sensor('outside')") == [
        "rule 'fan': it compares 'inside' in °C with 'outside' in °F (in sensor('inside') > sensor('outside'))"
      ])
    #expect(try found("reading('soil').value < sensor('attic')").count == 1)
    #expect(
      try found("reading('inside').unit != '°F'") == [
        "rule 'fan': 'inside' is in °C, never in °F (in reading('inside').unit != '°F')"
      ])
  }

  @Test func timerEventsHaveNoPayloadFields() throws {
    let rule = hot {
      $0.trigger = .every(.seconds(1))
      $0.condition = condition("value > 1.0")
    }
    #expect(try RuleSet(compiling: [rule]).payloadWarnings.count == 1)
  }
}

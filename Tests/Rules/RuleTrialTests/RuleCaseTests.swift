import Config
import Model
import RuleTrial
import Rules
import Testing

/// What people in this field want from rules, case by case.
@Suite struct RuleCaseTests {
  private static let heater = """
    devices:
      temp: { kind: sensor, every: 1s, unit: °C }
      heater: { kind: actuator }
    """

  @Test func twoRulesMakeAThermostat() throws {
    let situation = try Situation(
      Self.heater,
      """
      rules:
        - { id: cold, on: "sensor:temp", if: "value < 20.5", action: "actuate(heater, on, lease: 10m)" }
        - { id: warm, on: "sensor:temp", if: "value > 21.5", action: "actuate(heater, off)" }
      """)
    situation.run(
      """
      temp 19
      wait 2s
      expect heater on
      temp 21
      wait 2s
      expect heater on
      temp 22
      wait 2s
      expect heater off
      temp 20
      wait 2s
      expect heater on
      """)
  }

  @Test func oneRuleMakesAThermostat() throws {
    let situation = try Situation(
      Self.heater,
      """
      rules:
        - { id: heating, when: "sensor('temp') < 20.5", until: "sensor('temp') > 21.5", keep: { heater: on } }
      """)
    situation.run(
      """
      temp 19
      wait 2s
      expect heater on
      expect rule heating held
      wait 10m
      expect heater on
      temp 21
      wait 2s
      expect heater on
      temp 22
      wait 2s
      expect heater off
      temp 19
      wait 2s
      expect heater on
      # One failed transfer is nothing; a sensor that stays silent ends it.
      temp timeout
      wait 2s
      temp none
      wait 2s
      expect heater on
      temp timeout
      wait 20s
      expect heater off
      expect rule heating waiting
      temp none
      wait 20s
      expect heater on
      """)
  }

  @Test func aPersonHoldsWhatAnAgentWants() throws {
    let situation = try Situation(
      "devices:\n  fan: { kind: actuator }", "rules: []")
    situation.run("set fan on lease 25s\nexpect fan on")
    #expect(throws: (any Error).self) { try situation.trial.set("fan", .on, as: "agent/climate") }
    situation.run("wait 25s\nexpect fan off\nexpect event device:free device=fan")
    try situation.trial.set("fan", .on, as: "agent/climate")
    situation.run("expect fan on")
  }

  @Test func aKeepBeginsWhenTheRestIsOver() throws {
    let situation = try Situation(
      """
      devices:
        motion: { kind: input }
        pump: { kind: actuator, min_off: 20s }
      """,
      """
      rules:
        - { id: pumping, while: "input('motion')", keep: { pump: on } }
      """)
    situation.run(
      """
      motion on
      expect pump off
      expect rule pumping rests
      wait 21s
      expect pump on
      expect rule pumping held
      motion off
      motion on
      expect pump off
      wait 10s
      expect pump off
      wait 11s
      expect pump on
      """)
  }

  @Test func lightsLinger() throws {
    let situation = try Situation(
      """
      devices:
        motion: { kind: input }
        light: { kind: actuator }
      """,
      """
      rules:
        - { id: hall, while: "input('motion')", linger: 5m, keep: { light: 60% } }
      """)
    situation.run(
      """
      motion on
      motion off
      wait 4m
      expect light 60%
      motion on
      motion off
      wait 4m59s
      expect light 60%
      wait 2s
      expect light off
      # A person: dark until the rule ends; the next motion lights it.
      motion on
      expect light 60%
      set light off
      expect light off
      expect rule hall suspended
      wait 1m
      motion off
      wait 6m
      expect light off
      motion on
      expect light 60%
      # Giving it back ends the suspension at once.
      set light off
      release light
      expect light 60%
      """)
  }

  @Test func peopleTakeOverForTheirLease() throws {
    let situation = try Situation(
      """
      devices:
        motion: { kind: input }
        light: { kind: actuator }
      """,
      """
      rules:
        - { id: hall, while: "input('motion')", keep: { light: 30% } }
      """)
    situation.run(
      """
      motion on
      set light 100% lease 20s
      expect light 100%
      expect rule hall overruled
      wait 21s
      expect light 30%
      expect rule hall held
      """)
  }

  @Test func aHandOverNeverPassesThroughSafe() throws {
    let situation = try Situation(
      """
      devices:
        light: { kind: actuator, min_off: 2m }
      """,
      """
      rules:
        - { id: evening, while: "true", between: ["18:00", "22:00"], keep: { light: 60% } }
        - { id: night, while: "true", between: ["22:00", "06:00"], keep: { light: 20% } }
      """)
    situation.run(
      """
      at 18:00
      wait 1s
      expect light 60%
      at 22:00
      wait 1s
      expect light 20%
      """)
    #expect(situation.trial.levels(of: "light").filter { $0 == 0 }.count <= 1)
  }

  @Test func afterAStopItStaysOffUntilTheTriggerWasFalse() throws {
    let situation = try Situation(
      Self.heater,
      """
      rules:
        - { id: heating, when: "sensor('temp') < 20.5", until: "sensor('temp') > 21.5", keep: { heater: on } }
      """)
    situation.run(
      """
      temp 15
      wait 2s
      expect heater on
      stop
      expect heater off
      clear
      wait 1m
      expect heater off
      expect rule heating stopped
      # Also after a restart.
      restart
      wait 1m
      expect heater off
      temp 22
      wait 2s
      temp 15
      wait 2s
      expect heater on
      stop
      clear
      resume heating
      wait 2s
      expect heater on
      """)
  }

  @Test func whatBeginsDuringAStopDoesNotMoveAfterIt() throws {
    let situation = try Situation(
      """
      devices:
        motion: { kind: input }
        button: { kind: input }
        light: { kind: actuator }
        lamp: { kind: actuator }
      """,
      """
      vars: { lamp: false }
      rules:
        - { id: hall, while: "input('motion')", keep: { light: on } }
        - { id: toggle, on: "input:button", if: "active", action: "set(lamp, !vars.lamp)" }
        - { id: lamp, while: "vars.lamp", keep: { lamp: on } }
      """)
    situation.run(
      """
      stop
      motion on
      button press
      wait 1m
      clear
      wait 1m
      expect light off
      expect lamp off
      expect rule hall stopped
      motion off
      motion on
      expect light on
      # What has ended before the clear needs nothing more.
      stop
      motion off
      clear
      motion on
      expect light on
      """)
  }

  @Test func maxOnWithoutMinOffRestsAsLong() throws {
    let situation = try Situation(
      """
      devices:
        temp: { kind: sensor, every: 10s }
        heater: { kind: actuator, max_on: 10m }
      """,
      """
      rules:
        - { id: frost, while: "sensor('temp') < 20", keep: { heater: on } }
      """)
    situation.run(
      """
      temp 15
      wait 11s
      expect heater on
      wait 9m
      expect heater on
      wait 1m1s
      expect heater off
      expect rule frost rests
      wait 9m
      expect heater off
      wait 1m30s
      expect heater on
      """)
  }

  @Test func allOutputsOrNone() throws {
    let situation = try Situation(
      """
      devices:
        dry: { kind: input }
        valve: { kind: actuator }
        pump: { kind: actuator, min_off: 30s }
      """,
      """
      rules:
        - { id: watering, while: "input('dry')", keep: { valve: on, pump: on } }
      """)
    situation.run(
      """
      dry on
      expect valve off
      wait 31s
      expect valve on
      expect pump on
      pump unplug
      wait 2s
      expect valve off
      expect rule watering waits
      pump none
      wait 2m
      expect pump on
      expect valve on
      """)
  }

  @Test func aLeakBeforeTheStartClosesTheValve() throws {
    let situation = try Situation(
      """
      devices:
        leak: { kind: input }
        valve: { kind: actuator }
      """,
      """
      rules:
        - { id: open, while: "!input('leak')", keep: { valve: on } }
        - { id: alarm, while: "input('leak')", action: "notify('water in the cellar')", repeat: 10m }
      """)
    situation.run(
      """
      expect valve on
      leak on
      expect valve off
      expect event rule:notify text='water in the cellar'
      restart
      expect valve off
      expect no event rule:notify
      wait 10m
      expect event rule:notify
      """)
  }

  @Test func silenceOfTenMinutesIsTold() throws {
    let situation = try Situation(
      """
      devices:
        tank: { kind: sensor, every: 10s }
      """,
      """
      rules:
        - id: probe
          while: "!reading('tank').good"
          for: 10m
          action: "notify('the tank probe has been silent for ten minutes')"
          end: "notify('the tank probe answers again')"
      """)
    situation.run(
      """
      tank 40
      wait 1m
      tank unplug
      wait 10m
      expect no event rule:notify
      wait 1m
      expect event rule:notify text='the tank probe has been silent for ten minutes'
      tank none
      wait 1m
      expect event rule:notify text='the tank probe answers again'
      """)
  }
}

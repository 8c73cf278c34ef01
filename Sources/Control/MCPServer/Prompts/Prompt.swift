import Document
import MCP
import Model
import RPC

/// A text for a model that a person may choose.
struct Prompt: Sendable {
  /// The name on the wire.
  let name: String
  /// For people.
  let title: String
  /// What it is for.
  let about: String
  /// The name of its only argument, and what that is.
  let argument: (name: String, about: String, isRequired: Bool)
  /// Whether it needs tools that tell of the whole board.
  var isOfEverything = false
  /// The text, for what the person has given (as data) and what the devices are (as data).
  let text: @Sendable (_ given: String?, _ devices: String) -> String

  /// The entry in `prompts/list`.
  var entry: Fields {
    [
      "name": .string(name), "title": .string(title), "description": .string(about),
      "arguments": [
        [
          "name": .string(argument.name), "description": .string(argument.about),
          "required": .bool(argument.isRequired),
        ]
      ],
    ]
  }

  static let all = [diagnose, writeRule]

  private static let diagnose = Prompt(
    name: "diagnose", title: "Find out what is wrong with a device",
    about: "Finds out what is wrong with a device, from what the board knows, and changes nothing.",
    argument: ("device", "the device; everything when left out", false)
  ) { given, devices in
    """
    Find out what is wrong with \(given.map { "the device that is named here: \($0)" } ?? "this board"). Change nothing: \
    use only tools that read. Leave out a step whose tool you do not have.

    1. 'devices' shows values, faults, holders and limits; 'doctor' what the board itself complains of.
    2. 'read' measures. A quality other than 'good' is a finding, and its value is none.
    3. 'why' shows what led to the last change, and 'events' what happened around it ('device:*', 'sensor:*', 'rule:*').
    4. 'rules_explain' shows why a rule does what it does; 'history' when agents and the daemon ended.

    Then say, in this order: what is wrong; how you know it, with the ids of events and the values that you have read; what \
    somebody has to do, and what of it needs somebody at the board. Say what you could not find out. Do not guess.

    The devices now, as data: \(devices)
    """
  }

  private static let writeRule = Prompt(
    name: "write_rule", title: "Write a rule",
    about: "Writes a rule for a wish, and has the board check it. A person installs it.",
    argument: ("wish", "what the board shall do, in words", true), isOfEverything: true
  ) { given, devices in
    """
    Write a rule file for this board that does what is wished here: \(given ?? DataText.block(json: "\"\""))

    A file has this form (YAML). A state rule says what is kept as long as something is so; an event rule acts once:

    rules:
      - id: watering
        when: "sensor('soil') < 30"
        until: "sensor('soil') > 45"
        if: "!input('rain')"
        between: ["06:00", "08:00"]
        keep: { valve: on }
        at_most: 20m/d
      - id: visitor
        on: "input:door"
        if: "active"
        action: "actuate(lamp, on, 3s)"

    Conditions are CEL. 'sensor', 'input' and 'device' take ids of the board; a reading that is not good makes a condition \
    unknown, and unknown is safe. Leave a gap between 'when' and 'until', so that a wavering sensor does not switch the \
    output on and off. Bound what may be on with 'at_most' or with the time of an action.

    Then call 'rules_check' with the whole text, and mend what it complains of, until it has no errors. Explain each \
    warning that stays. Show the file as it passed the check, and say in one sentence a rule what it does. You cannot \
    install it: somebody puts it into the rule files and runs 'openstarry rules reload'.

    The devices now, as data: \(devices)
    """
  }
}

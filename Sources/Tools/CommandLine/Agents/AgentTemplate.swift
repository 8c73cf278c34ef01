import Model

/// The files of a new agent: a small example that switches a fan by temperature.
struct AgentTemplate {
  /// The languages with a template.
  enum Language: String, CaseIterable {
    case swift
    case c
  }

  let id: AgentID
  let language: Language

  /// The names and contents of the files.
  var files: [(name: String, text: String)] {
    let common = [("agent.json", manifest), ("Makefile", makefile), ("README.md", readme), (".gitignore", "*.wasm\n")]
    return switch language {
    case .swift: [("\(type).swift", swift), ("main.swift", "\(type).main()\n")] + common
    case .c: [("\(id).c", c)] + common
    }
  }

  /// The name of the Swift type: `DoorCounter` for the id `door-counter`.
  var type: String {
    var name = ""
    var isStart = true
    for character in id.rawValue {
      guard character.isLetter || character.isNumber else {
        isStart = true
        continue
      }
      name += isStart ? character.uppercased() : String(character)
      isStart = character.isNumber
    }
    if name.first?.isNumber == true { name = "Agent" + name }
    return Self.taken.contains(name) ? name + "Agent" : name
  }

  /// Names that a type cannot have: those of the template, of the standard library and of the language.
  private static let taken: Set<String> = [
    "ActuatorCommand", "Agent", "AgentError", "AgentType", "Any", "Array", "Bool", "Character", "Context", "Dictionary",
    "Double", "Duration", "Error", "Event", "Fields", "Float", "Int", "LogLevel", "Main", "Never", "Optional",
    "Priority",
    "Protocol", "Range", "Reading", "Receipt", "Result", "Self", "Set", "String", "Swift", "Type", "ULID", "Value",
    "Void",
  ]

  private var manifest: String {
    """
    {
      "identity": {
        "id": "\(id)",
        "name": "\(id)",
        "version": "0.1.0",
        "description": "Turns a fan on when it gets warm"
      },
      "runtime": { "driver": "wasm", "entry": "\(id).wasm" },
      "capabilities": {
        "permissions": { "sensors": ["temperature"], "actuators": ["fan"] }
      },
      "budget": { "memory": "1MiB", "activation": "100ms" },
      "subscribe": ["sensor:temperature"]
    }

    """
  }

  private var swift: String {
    #"""
    import OpenStarryAgent

    /// Turns the fan on above 30 °C, and off again below 28 °C.
    struct \#(type): Agent {
      private var switched = 0
      private var isWaiting = false

      mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
        guard let temperature = event["value"]?.double else { return }
        do throws(AgentError) {
          if temperature > 30 {
            // Without another command within a minute, the fan goes to its safe state.
            try context.control("fan", .on, lease: .seconds(60))
            context.log("too warm: fan on")
            switched += 1
          } else if temperature < 28 {
            try context.control("fan", .off)
          }
          isWaiting = false
        } catch where error.isRefusal {
          // Not a failure: another holder has the fan, or it must stay off for error.retryAfter. The next reading tries
          // again.
          if !isWaiting { context.log("the fan has to wait: \(error.description)", .notice) }
          isWaiting = true
        }
      }

      func snapshot() -> Value { ["switched": .int(Int64(switched))] }
    }

    """#
  }

  private var c: String {
    #"""
    #define OPENSTARRY_CBOR
    #include "openstarry.h"

    // Turns the fan on above 30 °C, and off again below 28 °C.
    const openstarry_result *openstarry_handle(char *bytes, size_t length) {
      openstarry_bytes event = {bytes, length};
      openstarry_bytes value = openstarry_cbor_get(openstarry_cbor_get(event, "payload"), "value");
      double temperature = openstarry_cbor_number(value);
      bool is_known = value.length > 0;
      free(bytes);
      if (!is_known) return openstarry_ok();

      openstarry_area answer = {0};
      if (temperature > 30) {
        // Without another command within a minute, the fan goes to its safe state.
        openstarry_control(OPENSTARRY_TEXT("fan"), OPENSTARRY_ON, 60000, &answer);
        if (!answer.failed) openstarry_log(OPENSTARRY_INFO, OPENSTARRY_TEXT("too warm: fan on"));
      } else if (temperature < 28) {
        openstarry_control(OPENSTARRY_TEXT("fan"), OPENSTARRY_OFF, 0, &answer);
      }
      if (openstarry_is_refusal(&answer)) {
        // Not a failure: another holder has the fan, or it must stay off for openstarry_retry_after(). The next reading
        // tries again.
        openstarry_log(OPENSTARRY_NOTICE, answer.of.error.message, answer.of.error.length);
        openstarry_release(&answer);
      }
      if (answer.failed) return openstarry_fail(answer.of.error.message, answer.of.error.length);
      openstarry_release(&answer);
      return openstarry_ok();
    }

    """#
  }

  private var makefile: String {
    """
    OPENSTARRY ?= openstarry

    .PHONY: all run clean
    all:
    \t@$(OPENSTARRY) agent build

    run:
    \t@$(OPENSTARRY) agent run --event sensor:temperature --with value=31

    clean:
    \t@rm -f \(id).wasm

    """
  }

  private var readme: String {
    let source = language == .swift ? "\(type).swift" : "\(id).c"
    return """
      `\(source)` is the program of \(id), and `agent.json` declares its permissions and limits.
      `make` builds \(id).wasm, and `make run` tries it on a simulated board.
      `openstarry register agent.json` registers it with the daemon.

      """
  }
}

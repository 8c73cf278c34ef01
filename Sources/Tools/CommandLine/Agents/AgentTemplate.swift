import Model

/// The files of a new agent: a small example that switches a fan by temperature.
struct AgentTemplate {
  /// The languages with a template.
  enum Language: String, CaseIterable {
    case swift
    case c
    case python
    case sh

    /// Whether the agent is a program that runs as it is, and not a module to be built.
    var isProgram: Bool { self == .python || self == .sh }
  }

  let id: AgentID
  let language: Language

  /// A file of the template.
  struct File {
    var name: String
    var text: String
    /// Permission bits (chmod(2)).
    var mode: UInt32 = 0o644
  }

  /// The files.
  var files: [File] {
    let common = [
      File(name: "agent.json", text: manifest), File(name: "Makefile", text: makefile),
      File(name: "README.md", text: readme),
      File(name: ".gitignore", text: language.isProgram ? "__pycache__/\n" : "*.wasm\n"),
    ]
    return switch language {
    case .swift:
      [File(name: "\(type).swift", text: swift), File(name: "main.swift", text: "\(type).main()\n")] + common
    case .c: [File(name: source, text: c)] + common
    case .python: [File(name: source, text: python, mode: 0o755)] + common
    case .sh: [File(name: source, text: shell, mode: 0o755)] + common
    }
  }

  /// The name of the file with the agent's code.
  private var source: String {
    switch language {
    case .swift: "\(type).swift"
    case .c: "\(id).c"
    case .python: "\(id).py"
    case .sh: "\(id).sh"
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
      "runtime": { "driver": "\(language.isProgram ? "process" : "wasm")", "entry": "\(language.isProgram ? source : "\(id).wasm")" },
      "capabilities": {
        "permissions": { "sensors": ["temperature"], "actuators": ["fan"] }
      },
      "budget": { "memory": "\(language.isProgram ? "32MiB" : "1MiB")", "activation": "\(language.isProgram ? "5s" : "1s")" },
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
          // again; the sensor's heartbeat brings one, even if the temperature is steady.
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
      // An integer or a floating point number (RFC 8949, appendix B).
      bool is_number = value.length > 0 && ((uint8_t)*value.at < 0x40 || (uint8_t)*value.at == 0xFB);
      free(bytes);
      if (!is_number) return openstarry_ok();

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

  private var python: String {
    #"""
    #!/usr/bin/python3 -S
    """Turns the fan on above 30 °C, and off again below 28 °C."""
    import openstarry


    class \#(type)(openstarry.Agent):
        def __init__(self):
            self.switched = 0
            self.is_waiting = False

        def handle(self, event, board):
            temperature = event.payload.get("value")
            if not isinstance(temperature, (int, float)):
                return
            try:
                if temperature > 30:
                    # Without another command within a minute, the fan goes to its safe state.
                    board.on("fan", lease=60)
                    board.log("too warm: fan on")
                    self.switched += 1
                elif temperature < 28:
                    board.off("fan")
                self.is_waiting = False
            except openstarry.Refusal as refusal:
                # Not a failure: another holder has the fan, or it must stay off for refusal.retry_after. The next reading
                # tries again.
                if not self.is_waiting:
                    board.notice(f"the fan has to wait: {refusal}")
                self.is_waiting = True

        def snapshot(self):
            return {"switched": self.switched}


    openstarry.run(\#(type))

    """#
  }

  private var shell: String {
    #"""
    #!/bin/sh
    # Turns the fan on above 30 °C, and off again below 28 °C. The protocol is docs/process-abi.md: one JSON object a line, on
    # descriptor 3. Examples/process/blink.sh is a more complete agent.
    send() { printf '%s\n' "$1" >&3 2>/dev/null || exit 0; }

    # fan COMMAND: asks for the fan, and sets the activation's outcome.
    fan() {
      send '{"jsonrpc":"2.0","id":1,"method":"controlActuator","params":{"id":"fan","command":"'"$1"'","lease_ms":60000}}'
      IFS= read -r answer <&3 || exit 0
      case $answer in
        *'"error":'*)
          # A refusal that is passed on counts as refused, not as a failure.
          outcome="\"error\":${answer#*\"error\":}"
          outcome=${outcome%\}}
          ;;
        *) echo "fan $1" ;;
      esac
    }

    send '{"jsonrpc":"2.0","method":"ready","params":{"abi":1}}'
    while IFS= read -r line <&3; do
      id=${line#*\"id\":}
      id=${id%%,*}
      outcome='"result":{}'
      case $line in
        *'"method":"activate"'*)
          # The degrees, without what follows the point. What is no number is neither more nor less.
          value=${line#*\"value\":}
          value=${value%%[.,\}]*}
          if [ "$value" -ge 30 ] 2>/dev/null; then
            fan on
          elif [ "$value" -lt 28 ] 2>/dev/null; then
            fan off
          fi
          ;;
        *'"method":"snapshot"'*) outcome='"result":{"snapshot":{}}' ;;
        *'"method":"stop"'*)
          send "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}"
          exit 0
          ;;
      esac
      send "{\"jsonrpc\":\"2.0\",\"id\":$id,$outcome}"
    done

    """#
  }

  private var makefile: String {
    if language.isProgram {
      return """
        OPENSTARRY ?= openstarry

        .PHONY: run
        run:
        \t@$(OPENSTARRY) agent run --event sensor:temperature --with value=31

        """
    }
    return """
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
    if language.isProgram {
      return """
        `\(source)` is the program of \(id), and `agent.json` declares its permissions and limits.
        `make run` tries it on a simulated board. `openstarry register agent.json` registers it with the daemon.

        """
    }
    return """
      `\(source)` is the program of \(id), and `agent.json` declares its permissions and limits.
      `make` builds \(id).wasm, and `make run` tries it on a simulated board.
      `openstarry register agent.json` registers it with the daemon.

      """
  }
}

import Model

extension ParameterType where Argument == ActuatorCommand {
  /// A command to an actuator: section 4.7 of the control protocol, 4.2 of the agents'.
  package static var command: Self {
    Self(
      "command", expected: ActuatorCommand.forms,
      schema: [
        "oneOf": [
          ["enum": ["on", "off"]], ["type": "number", "minimum": 0, "maximum": 1],
          [
            "type": "object",
            "properties": [
              "pulse_ms": ["type": "integer", "minimum": 1, "maximum": .int(ActuatorCommand.longestPulse)]
            ],
            "required": ["pulse_ms"], "additionalProperties": false,
          ],
        ]
      ], isRecorded: true
    ) {
      ActuatorCommand(wireValue: $0)
    }
  }
}

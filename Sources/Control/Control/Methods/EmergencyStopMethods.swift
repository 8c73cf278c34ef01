import HAL
import Model
import RPC

extension ControlMethods {
  /// The only method of reserved connections: `docs/control.md`, 1.5.
  static let emergencyStop = Method<Call>(
    "hal.emergencyStop", .operate,
    "Puts every actuator into its safe state, ends every lease and pauses the agents until it is cleared, even after a "
      + "restart of the daemon. Commands every actuator, even those that are believed to be safe. The answer comes "
      + "when all have confirmed, after 2 s at the latest.",
    Parameter.optional("reason", .anyText, "the reason in words, for the event and for people"),
    result:
      "`{\"stopped\": true, \"was_stopped\": whether it already was, \"safe\": the number of actuators that have "
      + "confirmed the safe state, \"not_safe\": [{\"device\": id, \"why\": text}], \"warning\": text or null, "
      + "\"board\": its name}`",
    isCommand: true
  ) { call, reason throws(RPCError) in
    call.services.daemon.stopEverything(
      by: call.client.principal.name, reason: reason?.cut(to: 512), cause: call.cause
    ) { isNew, problem in
      let hardware = call.services.hardware
      hardware.confirm(within: patience) { refusals in
        call.answer(
          .success([
            "stopped": true, "was_stopped": .bool(!isNew),
            "safe": .int(Int64(hardware.actuatorCount - refusals.count)),
            "not_safe": .list(refusals.map { ["device": .string($0.device.rawValue), "why": .string($0.why.cause)] }),
            "warning": problem.map { .string("it would not survive a restart of the daemon: \($0)") } ?? .null,
            "board": call.board,
          ]))
      }
    }
    return nil
  }

  static let emergencyStopMethods: [Method<Call>] = [
    emergencyStop,
    Method(
      "hal.clearEmergencyStop", .operate,
      "Ends an emergency stop. Nothing moves by itself: pending work of rules and agents is discarded, and agents are "
        + "told the levels that they have missed. Refused while an input with `emergency_stop` is active.",
      result:
        "`{\"stopped\": false, \"was_stopped\": whether it was in force, \"warning\": text or null, \"board\": its "
        + "name}`",
      errors: [.deviceLimited], isCommand: true
    ) { call throws(RPCError) in
      do throws(HALError) {
        try call.services.daemon.clearEmergencyStop(by: call.client.principal.name, cause: call.cause) { was, problem in
          // The stop has ended state rules, and a restart must not let them go on.
          call.services.rules.whenStored { ofRules in
            let warning =
              problem.map { "it would come back with a restart of the daemon: \($0)" }
              ?? ofRules.map { "after a restart rules that it has ended would go on: \($0)" }
            call.answer(
              .success([
                "stopped": false, "was_stopped": .bool(was), "warning": warning.map { .string($0) } ?? .null,
                "board": call.board,
              ]))
          }
        }
      } catch {
        throw call.refusal(error)
      }
      return nil
    },
  ]
}

import HAL
import Model
import Wire

extension MethodRegistry {
  static let emergencyStopMethods: [Method] = [
    Method(
      "hal.emergencyStop", .operate,
      "Puts every actuator into its safe state, ends every lease and pauses the agents, until it is cleared; also over "
        + "restarts of the daemon.",
      [.optional("reason", .text, nil, "why, in words, for the event and for people")],
      result: "`{\"stopped\": true, \"was_stopped\": whether it was already, \"warning\": text or null}`",
      isCommand: true
    ) { call throws(RPCError) in
      call.services.zone.stopEverything(
        by: call.client.principal.name, reason: call.arguments.text("reason"), cause: call.cause
      ) { isNew, problem in
        call.answer(
          .success([
            "stopped": true, "was_stopped": .bool(!isNew),
            "warning": problem.map { .string("it would not survive a restart of the daemon: \($0)") } ?? .null,
          ]))
      }
      return nil
    },
    Method(
      "hal.clearEmergencyStop", .operate,
      "Ends an emergency stop. Nothing moves by itself; refused while an input with `emergency_stop` is active.",
      result: "`{\"stopped\": false, \"was_stopped\": whether it was in force, \"warning\": text or null}`",
      errors: [.deviceLimited], isCommand: true
    ) { call throws(RPCError) in
      do throws(HALError) {
        try call.services.zone.clearEmergencyStop(by: call.client.principal.name, cause: call.cause) { was, problem in
          call.answer(
            .success([
              "stopped": false, "was_stopped": .bool(was),
              "warning": problem.map { .string("it would come back with a restart of the daemon: \($0)") } ?? .null,
            ]))
        }
      } catch {
        throw call.refusal(error)
      }
      return nil
    },
  ]
}

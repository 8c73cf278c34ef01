import HAL
import Model
import RPC

extension ControlMethods {
  /// Outputs that were switched without their effect.
  static let effectMethods: [Method<Call>] = [
    Method(
      "hal.acknowledge", .operate,
      "Acknowledges that an actuator was switched without its effect (`device:no_effect`): it is not shown any more, and "
        + "state rules that waited for that may have the actuator again.",
      .device("which actuator", aliases: ["actuator"]),
      result:
        "`{\"device\": id, \"acknowledged\": whether anything was shown, \"warning\": why it will be shown again after a "
        + "restart (or null), \"board\": its name}`",
      errors: [.deviceNotFound], isCommand: true
    ) { call, id throws(RPCError) in
      let wasShown = try call.hardware { hardware throws(HALError) in try hardware.acknowledge(id) }
      return call.answerWhenStored([
        "device": .string(id.rawValue), "acknowledged": .bool(wasShown), "board": call.board,
      ])
    }
  ]
}

extension Restriction {
  /// A device's row or branch without what it tells of a sensor beyond reach.
  func shown(device row: Fields) -> Fields {
    guard let sensor = row["no_effect"]?["sensor"]?.string, !reaches(DeviceID(sensor)) else { return row }
    var row = row
    row["no_effect"] = nil
    return row
  }
}

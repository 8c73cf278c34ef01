import RPC

/// The methods of the control protocol: `docs/control.md`, section 6.
enum ControlMethods {
  /// All methods, in the order of the document.
  static let table = MethodTable(
    calls + agentMethods + familyMethods + serviceMethods + registryMethods + hardwareMethods + effectMethods
      + emergencyStopMethods + eventMethods + ruleMethods + shadowMethods
      + projectionMethods + daemonMethods + messageMethods + modelMethods + sessionMethods + approvalMethods)

  /// The six calls of the specification, under their own names.
  private static let calls: [Method<Call>] = [
    spawnAgent, killAgent, listAgents,
    hardwareRead.named(
      "getSensorData",
      summary: "Measures a sensor or reads an input; requests at the same time share one transfer."),
    hardwareControl.named("controlActuator", summary: "Commands an actuator through the board's limits."),
    getCameraStream,
  ]
}

import HAL
import Model

/// What claims on outputs need of the gate: of the real one, or of one that shadows imagine.
protocol OutputGate: AnyObject {
  /// The emergency stop in force; nil when there is none.
  var emergencyStop: EmergencyStop? { get }
  /// The state of an output; nil when there is no such output.
  func output(_ id: DeviceID) -> Hardware.OutputState?
  /// The level that a command leads to; nil for a command that makes no sense for the output.
  func target(_ id: DeviceID, _ command: ActuatorCommand) -> Double?
  /// Why a command would be refused now; nil if it would not be.
  func obstacle(_ id: DeviceID, _ command: ActuatorCommand, as principal: Principal) -> HALError?
  /// Commands an output.
  func carryOut(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration?, as principal: Principal, cause: Cause?
  ) throws(HALError) -> Receipt
  /// Ends a lease.
  /// - Returns: whether there was one.
  func release(_ id: DeviceID, holder: String, reason: String, cause: Cause?) throws(HALError) -> Bool
}

extension Hardware: OutputGate {
  func carryOut(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration?, as principal: Principal, cause: Cause?
  ) throws(HALError) -> Receipt {
    try controlActuator(id, command, lease: lease, as: principal, cause: cause)
  }
}

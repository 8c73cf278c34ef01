import Model

/// Manual control of simulated devices: inputs, readings and faults. The control plane offers it on simulated boards.
package protocol SimulationControl: AnyObject {
  /// Changes the behaviour of a simulated device.
  /// - Parameters:
  ///   - device: a device of the simulated board.
  ///   - change: a map or, for faults, the fault's name alone:
  ///     `{active: true}` holds an input, `{press: "300ms"}` presses it for that time, `{active: null}` returns it to
  ///     its script; `{value: 31.5}` pins a sensor, `{value: null}` returns it to its model; `{fault:
  ///     nack|timeout|checksum|stuck|slow|unplug|none, count: 3, for: "5s", delay: "200ms"}` makes the next `count`
  ///     operations fail, or all during `for`, or, with neither, all until `none`.
  /// - Throws: `notFound`, or `invalid` with the expected form.
  func inject(_ device: DeviceID, _ change: Value) throws(HALError)
}

/// Encodes a frame as JPEG without blocking the loop; answers once, on the loop's thread.
///
/// Passed to hardware layers that produce pictures but have no codec.
package typealias JPEGEncoder = (Frame, @escaping (Result<[UInt8], HALError.Fault>) -> Void) -> Void

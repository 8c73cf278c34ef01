import Model

/// What a simulated board lets people do to its devices. The control plane offers it where there is one.
public protocol SimulationControl: AnyObject {
  /// Does something to a simulated device from outside.
  /// - Parameters:
  ///   - device: which.
  ///   - change: what, as a map or, for faults, the fault's name alone:
  ///     `{active: true}` holds an input, `{press: "300ms"}` presses it for so long, `{active: null}` gives it back to
  ///     its script; `{value: 31.5}` pins a sensor, `{value: null}` gives it back to its model;
  ///     `{fault: nack|timeout|checksum|stuck|slow|unplug|none, count: 3, for: "5s", delay: "200ms"}` makes the next
  ///     `count` operations fail, or all of them for so long, or, with neither, until `none`.
  /// - Throws: `notFound`, or `invalid` with what was expected.
  func inject(_ device: DeviceID, _ change: Value) throws(HALError)
}

/// Turns a frame into a JPEG without blocking the loop; answers once, on the loop's thread.
///
/// Passed to hardware layers that have pictures but no codec of their own.
public typealias JPEGEncoder = (Frame, @escaping (Result<[UInt8], HALError.Fault>) -> Void) -> Void

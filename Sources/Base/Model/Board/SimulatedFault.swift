/// The faults of a simulated device, as named by `openstarry simulate` and the control protocol. With the first three,
/// an input cannot be read.
package enum SimulatedFault: String, Sendable, CaseIterable {
  /// The device does not acknowledge on the bus.
  case nack
  /// The device does not answer in time.
  case timeout
  /// The data has a wrong checksum.
  case checksum
  /// The device acknowledges commands without effect; a sensor's value stays the same.
  case stuck
  /// The device answers late; not for inputs, which are not polled.
  case slow
  /// The device is unplugged.
  case unplug
  /// The supply of an actuator dips once: the output silently falls to its power-up level.
  case brownout
}

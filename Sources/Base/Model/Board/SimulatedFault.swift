/// What can go wrong with a simulated device: the words of `openstarry simulate` and of the control protocol.
public enum SimulatedFault: String, Sendable, CaseIterable {
  /// Nobody acknowledges on the bus; an input cannot be read then.
  case nack
  /// The answer takes too long; an input cannot be read then.
  case timeout
  /// What was read does not add up; an input cannot be read then.
  case checksum
  /// It says yes, and does nothing; what is measured stays the same.
  case stuck
  /// It answers late; not for inputs, which nobody asks.
  case slow
  /// It is not there.
  case unplug
  /// The supply of an actuator dips once: it falls to the level that it powers up with, and says nothing.
  case brownout
}

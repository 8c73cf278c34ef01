/// The gestures of a button.
package struct GestureSettings: Sendable, Hashable {
  /// How long a press must last to be a long one; nil for no long presses.
  package var long: Duration?
  /// How soon after a release the second press of a double press must begin; nil for no double presses.
  package var double: Duration?

  /// Settings; by default every press is a short one.
  package init(long: Duration? = nil, double: Duration? = nil) {
    self.long = long
    self.double = double
  }
}

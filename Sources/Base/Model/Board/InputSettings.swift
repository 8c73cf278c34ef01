/// The settings of an input that do not depend on its driver.
package struct InputSettings: Sendable, Hashable {
  /// The changes that become events.
  package var edges: Edges
  /// The debounce time: a change must last this long to count; 0 for none.
  package var debounce: Duration
  /// Whether it is an emergency stop button: all outputs go safe while it is active or cannot be read.
  package var emergencyStop: Bool
  /// The gestures to tell apart; nil for none.
  package var gestures: GestureSettings?
  /// How long it may be active before it is stuck; nil for ever.
  package var stuck: Duration?
  /// The meaning of its pulses; nil for an input that does not count.
  package var count: CountSettings?

  /// Settings; by default both edges, without debouncing and gestures.
  package init(
    edges: Edges = .both, debounce: Duration = .zero, emergencyStop: Bool = false, gestures: GestureSettings? = nil,
    stuck: Duration? = nil, count: CountSettings? = nil
  ) {
    self.edges = edges
    self.debounce = debounce
    self.emergencyStop = emergencyStop
    self.gestures = gestures
    self.stuck = stuck
    self.count = count
  }

  /// The edges of libgpiod v2 (`GPIOD_LINE_EDGE_RISING` and so on). Rising means becoming active.
  package enum Edges: String, Sendable, CaseIterable { case rising, falling, both }
}

/// The checks and averages of a sensor's values, applied in this order before anybody sees a reading. All are in the
/// unit that the sensor shows.
package struct FilterSettings: Sendable, Hashable {
  /// Plausible values; a value outside is suspect and goes no further. nil for any value.
  package var range: ClosedRange<Double>?
  /// The greatest believable jump from the last accepted value. A greater one, and the first value of all, must repeat
  /// in the next reading, within this distance. nil for any jump.
  package var spike: Double?
  /// How many of the newest accepted values the median is taken of: odd, 3 to 15. nil for none.
  package var median: Int?
  /// The time over which accepted values are averaged; nil for none.
  package var mean: Duration?

  /// Settings; by default every value is accepted and nothing is averaged.
  package init(
    range: ClosedRange<Double>? = nil, spike: Double? = nil, median: Int? = nil, mean: Duration? = nil
  ) {
    self.range = range
    self.spike = spike
    self.median = median
    self.mean = mean
  }
}

/// A point of a sensor's calibration curve.
package struct CurvePoint: Sendable, Hashable {
  /// The driver's value.
  package var measured: Double
  /// The value that it stands for.
  package var meant: Double

  /// A point; both numbers must be finite.
  package init(_ measured: Double, _ meant: Double) {
    self.measured = measured
    self.meant = meant
  }
}

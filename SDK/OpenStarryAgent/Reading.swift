/// A measurement of a sensor.
public struct Reading: Sendable, Hashable {
  /// The value in `unit`; 0 or 1 for a digital input.
  public var value: Double
  /// The unit's symbol, e.g. `°C`, `%`, `hPa`, `lx`, `V`; empty if there is none.
  public var unit: String
  /// The time of the measurement: nanoseconds on the monotonic clock.
  public var time: UInt64
  /// The quality.
  public var quality: Quality

  /// Creates a reading.
  /// - Parameters:
  ///   - value: in `unit`.
  ///   - time: nanoseconds on the monotonic clock.
  public init(value: Double, unit: String, time: UInt64, quality: Quality = .good) {
    self.value = value
    self.unit = unit
    self.time = time
    self.quality = quality
  }

  /// The quality of a reading.
  public enum Quality: String, Sendable, Hashable, CaseIterable {
    /// Measured recently, within the sensor's range.
    case good
    /// An old reading: the sensor has not answered since.
    case stale
    /// Outside the sensor's range, flagged by the sensor, refused by a filter of the board file, or of a stuck device.
    case suspect
  }
}

/// What a sensor said.
public struct Reading: Sendable, Hashable {
  /// In `unit`; 0 or 1 for a binary input.
  public var value: Double
  /// The unit's symbol, e.g. `°C`, `%`, `hPa`, `lx`, `V`; empty for a bare number.
  public var unit: String
  /// Nanoseconds on the monotonic clock when it was measured.
  public var time: UInt64
  /// How far it can be trusted.
  public var quality: Quality

  /// Puts a reading together.
  /// - Parameters:
  ///   - value: in `unit`.
  ///   - time: nanoseconds on the monotonic clock.
  public init(value: Double, unit: String, time: UInt64, quality: Quality = .good) {
    self.value = value
    self.unit = unit
    self.time = time
    self.quality = quality
  }

  /// How far a reading can be trusted.
  public enum Quality: String, Sendable, Hashable, CaseIterable {
    /// Measured now, within the sensor's range.
    case good
    /// An earlier reading: the sensor has not answered since.
    case stale
    /// The sensor's own flags or range say that the value is doubtful.
    case suspect
  }
}

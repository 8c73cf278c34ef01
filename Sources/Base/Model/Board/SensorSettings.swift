/// The settings of a sensor that do not depend on its driver.
package struct SensorSettings: Sendable, Hashable {
  /// The interval between measurements; a subscriber may ask for a shorter one.
  package var every: Duration
  /// Whether it is measured only for subscribers and requests.
  package var onDemand: Bool
  /// The smallest difference from the last published reading that is published, in the sensor's unit; 0 publishes every
  /// reading.
  package var deadband: Double
  /// The longest time between events, even without a change; nil for no limit.
  package var heartbeat: Duration?
  /// The unit's symbol if the driver does not know it.
  package var unit: String?
  /// The factor for the driver's values; with `offset`, a calibration.
  package var scale: Double
  /// The value added after `scale`, in the driver's unit.
  package var offset: Double
  /// The calibration curve for the driver's values, before `scale` and `offset`: by rising `measured`, with straight
  /// lines between the points; beyond its ends the value at the end counts. Empty for none.
  package var points: [CurvePoint]
  /// The unit into which values are converted after `offset`; nil for none. See `UnitConversion`.
  package var convert: String?
  /// What is checked and averaged after all conversions; nil for nothing.
  package var filter: FilterSettings?
  /// The age at which the newest good reading becomes stale; nil for three periods plus 1 s.
  package var stale: Duration?
  /// How long the driver's value may stay exactly the same before the sensor is stuck; nil for ever.
  package var stuck: Duration?

  /// Settings; by default a reading every second, uncalibrated and unfiltered, each published.
  package init(
    every: Duration = .seconds(1), deadband: Double = 0, heartbeat: Duration? = nil, unit: String? = nil,
    scale: Double = 1, offset: Double = 0, onDemand: Bool = false, points: [CurvePoint] = [], convert: String? = nil,
    filter: FilterSettings? = nil, stale: Duration? = nil, stuck: Duration? = nil
  ) {
    self.every = every
    self.onDemand = onDemand
    self.deadband = deadband
    self.heartbeat = heartbeat
    self.unit = unit
    self.scale = scale
    self.offset = offset
    self.points = points
    self.convert = convert
    self.filter = filter
    self.stale = stale
    self.stuck = stuck
  }
}

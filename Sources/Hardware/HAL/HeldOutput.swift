import Model

/// What an output with `at_start` is held at, for the start after a power cut.
package struct HeldOutput: Sendable, Hashable {
  /// The level, 0 to 1; of a pulse, the one it goes back to.
  package var level: Double
  /// The holder of its lease.
  package var holder: String
  /// How long that lease was when it was taken or renewed.
  package var lease: Duration
  /// With `max_on`, how long it may have been away from its safe state at most, also a while after this was stored.
  package var onTime: Duration?
  /// Why it is not taken up again whatever its `at_start` says; nil when nothing forbids it.
  package var obstacle: Obstacle?

  /// Why an output is not taken up again.
  package enum Obstacle: String, Sendable, Hashable {
    /// It was a pulse, which is not given twice.
    case pulse
    /// Its lease was to end with a connection.
    case connection
    /// It had just been taken up after another power cut, which it may have caused.
    case again
  }

  /// Takes the values as they are.
  package init(
    level: Double, holder: String, lease: Duration, onTime: Duration? = nil, obstacle: Obstacle? = nil
  ) {
    self.level = level
    self.holder = holder
    self.lease = lease
    self.onTime = onTime
    self.obstacle = obstacle
  }

  /// The stored form.
  package var fields: Fields {
    [
      "level": .double(level), "holder": .string(holder), "lease_ms": .int(lease.nanoseconds / 1_000_000),
      "on_ms": onTime.map { .int($0.nanoseconds / 1_000_000) } ?? .null,
      "obstacle": obstacle.map { .string($0.rawValue) } ?? .null,
    ]
  }

  /// Reads the stored form; nil for another one.
  package init?(_ stored: Value) {
    guard let level = stored["level"]?.double, (0...1).contains(level), let holder = stored["holder"]?.string,
      let lease = stored["lease_ms"]?.int, lease > 0
    else { return nil }
    let obstacle = stored["obstacle"]?.string
    self.init(
      level: level, holder: holder, lease: .milliseconds(lease),
      onTime: stored["on_ms"]?.int.map { .milliseconds($0) }, obstacle: obstacle.flatMap { Obstacle(rawValue: $0) })
    // Of a later version, whose reason is not known here.
    if obstacle != nil, self.obstacle == nil { return nil }
  }
}

/// Stores what outputs are held at outside this process.
package protocol HeldStore: AnyObject {
  /// Replaces what is stored of an output; nil when it is in its safe state. Must not wait for the disk.
  func keep(_ held: HeldOutput?, of device: DeviceID)
}

import Model

/// Identifies a subscription to a sensor until `unsubscribe`.
package struct SubscriptionID: Hashable, Sendable {
  /// The sensor or input.
  package let device: DeviceID
  let number: UInt64
}

extension Hardware {
  /// Measures a sensor, or reads the level of an input (0 or 1).
  ///
  /// Callers during one transfer share it. A reading younger than 100 ms (or the sensor's `every`, if shorter) is
  /// reused.
  /// - Parameter done: called once, within this call or later, with the reading, `notFound`, `denied`, `unavailable`
  ///   when the device is not open, or `failed`.
  package func getSensorData(
    _ id: DeviceID, as principal: Principal, _ done: @escaping (Result<Reading, HALError>) -> Void
  ) {
    do throws(HALError) {
      switch channels[id] {
      case .sensor(let channel):
        try check(principal.permissions.sensors, id, "read", principal)
        channel.read(done)
      case .input(let channel):
        try check(principal.permissions.sensors, id, "read", principal)
        done(.success(try channel.newest()))
      default: throw notFound(id, "sensor")
      }
    } catch {
      done(.failure(error))
    }
  }

  /// The newest reading of a sensor, or the current level of an input (0 or 1); never measures.
  /// - Returns: a reading of quality `stale` when the sensor fails, or when it is older than the sensor's `stale`;
  ///   `suspect` when the sensor doubts it or a filter of the board file refuses it.
  /// - Throws: `notFound`, `denied`, `unavailable` before the first measurement, `failed` when it never worked.
  package func latestReading(_ id: DeviceID, as principal: Principal) throws(HALError) -> Reading {
    switch channels[id] {
    case .sensor(let channel):
      try check(principal.permissions.sensors, id, "read", principal)
      return try channel.newest()
    case .input(let channel):
      try check(principal.permissions.sensors, id, "read", principal)
      return try channel.newest()
    default: throw notFound(id, "sensor")
    }
  }

  /// The reading that rules use: the newest good reading of a sensor, or the current level of an input (0 or 1); never
  /// measures.
  /// - Throws: `notFound`; `unavailable` before the first good reading, and once the newest one is older than the
  ///   sensor's `stale`, by default three periods plus 1 s; `failed` instead when the cause is a failing sensor or an unreadable input;
  ///   `unavailable` while an input is stuck.
  package func newestGood(_ id: DeviceID) throws(HALError) -> Reading {
    switch channels[id] {
    case .sensor(let channel): try channel.newestGood()
    case .input(let channel): try channel.newestGood()
    default: throw notFound(id, "sensor")
    }
  }

  /// Publishes the changes of a sensor from now on as `sensor:<id>` {value, unit, quality, previous}. The sensor is
  /// measured at the shortest period of all subscribers. The first reading is always published.
  /// - Parameters:
  ///   - every: the period, at least 10 ms; nil takes the board file's.
  ///   - deadband: in the sensor's unit; nil takes the board file's. The smallest of all subscribers counts.
  /// - Returns: the argument for `unsubscribe`. Inputs always publish; subscribing to one is allowed and changes
  ///   nothing.
  /// - Throws: `notFound`.
  package func subscribe(
    _ id: DeviceID, every: Duration? = nil, deadband: Double? = nil
  ) throws(HALError) -> SubscriptionID {
    let subscription = SubscriptionID(device: id, number: number())
    switch channels[id] {
    case .sensor(let channel): channel.subscribe(subscription.number, every: every, deadband: deadband)
    case .input: break
    default: throw notFound(id, "sensor")
    }
    return subscription
  }

  /// Ends a subscription. After the last one nothing is published, and the sensor is measured at the board file's pace,
  /// or not at all if `on_demand`. Does nothing when the subscription has ended already.
  package func unsubscribe(_ subscription: SubscriptionID) {
    if case .sensor(let channel) = channels[subscription.device] { channel.unsubscribe(subscription.number) }
  }
}

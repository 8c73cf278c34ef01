import Model

/// Names a subscription to a sensor until it is ended.
public struct SubscriptionID: Hashable, Sendable {
  /// Which sensor.
  public let device: DeviceID
  let number: UInt64
}

extension Hardware {
  /// Measures a sensor, or says the level of an input.
  ///
  /// Ten callers during one transfer cost one transfer, and a reading younger than 100 ms (or the sensor's `every`,
  /// when that is shorter) is used again.
  /// - Parameter done: called once, now or later, with the reading, `notFound`, `denied`, or `failed`.
  public func getSensorData(
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

  /// The newest reading of a sensor, or the level of an input (0 or 1) now; never measures.
  /// - Returns: `stale` when the sensor fails or has not been measured for three of its periods.
  /// - Throws: `notFound`, `denied`, `unavailable` before the first measurement, `failed` when it never worked.
  public func latestReading(_ id: DeviceID, as principal: Principal) throws(HALError) -> Reading {
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

  /// What rules go by: the newest good reading of a sensor as long as it is not stale, or the level of an input (0 or 1)
  /// now; never measures.
  /// - Throws: `notFound`; `unavailable` before the first good reading, and once the newest is older than three of the
  ///   sensor's periods and a second; `failed` where that is because it fails, or an input cannot be read.
  public func newestGood(_ id: DeviceID) throws(HALError) -> Reading {
    switch channels[id] {
    case .sensor(let channel): try channel.newestGood()
    case .input(let channel): try channel.newest()
    default: throw notFound(id, "sensor")
    }
  }

  /// Has a sensor measured at the fastest pace that any subscriber asks for, and from now on its changes published as
  /// `sensor:<id>` {value, unit, quality, previous}. The first reading is always published.
  /// - Parameters:
  ///   - every: nil takes the board file's pace; nothing is measured more often than every 10 ms.
  ///   - deadband: in the sensor's unit; nil takes the board file's. The smallest one asked for counts.
  /// - Returns: what `unsubscribe` takes. Inputs always publish; subscribing to one is allowed and changes nothing.
  /// - Throws: `notFound`.
  public func subscribe(
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

  /// Ends a subscription; after the last one nothing is published, and the sensor is measured at its own pace, or not at
  /// all when it is `on_demand`. Does nothing the second time.
  public func unsubscribe(_ subscription: SubscriptionID) {
    if case .sensor(let channel) = channels[subscription.device] { channel.unsubscribe(subscription.number) }
  }
}

import Chips
import HAL
import Model
import Testing

/// Plays a recording of a bus: each transfer must be the next one of the recording, byte for byte.
package struct RecordedTransport: I2CTransport {
  /// One step of a recording.
  package enum Step {
    /// The driver writes these bytes; the chip answers with those.
    case transfer(UInt8, write: [UInt8], answer: [UInt8])
    /// The driver writes these bytes; the bus answers with a fault.
    case fault(UInt8, write: [UInt8], HALError.Fault)
    /// The driver waits at least this long.
    case pause(Duration)
  }

  private var steps: ArraySlice<Step>
  /// How much the driver has waited.
  package private(set) var paused = Duration.zero

  package init(_ steps: [Step]) { self.steps = steps[...] }

  /// How many steps are left.
  package var remaining: Int { steps.count }

  package mutating func transfer(_ address: UInt8, write bytes: [UInt8], read count: Int) throws(HALError.Fault)
    -> [UInt8]
  {
    switch steps.popFirst() {
    case .transfer(let expected, let write, let answer)?:
      #expect(address == expected)
      #expect(bytes == write)
      #expect(count == answer.count)
      return answer.count == count ? answer : [UInt8](repeating: 0, count: count)
    case .fault(let expected, let write, let fault)?:
      #expect(address == expected)
      #expect(bytes == write)
      throw fault
    case .pause(let duration)?:
      Issue.record("a transfer of \(bytes) came where a pause of \(duration) was recorded")
      throw .gone
    case nil:
      Issue.record("a transfer of \(bytes) came after the end of the recording")
      throw .gone
    }
  }

  package mutating func pause(_ duration: Duration) {
    paused += duration
    guard case .pause(let least)? = steps.first else {
      Issue.record("a pause of \(duration) is not recorded")
      return
    }
    #expect(duration >= least)
    steps = steps.dropFirst()
  }
}

/// Lets a driver measure against a recording, all of which must be played.
package func play<Driver: ChipDriver>(
  _ driver: inout Driver, _ steps: [RecordedTransport.Step]
) throws(HALError.Fault) -> [String: Measurement] {
  var transport = RecordedTransport(steps)
  let result = Result { () throws(HALError.Fault) in
    let time = try driver.start(&transport)
    if time > .zero { transport.pause(time) }
    while true {
      if let quantities = try driver.collect(&transport) { return quantities }
      transport.pause(.milliseconds(10))
    }
  }
  #expect(transport.remaining == 0)
  return try result.get()
}

/// The same for a driver that measures once.
package func play(
  _ driver: some ChipDriver, _ steps: [RecordedTransport.Step]
) throws(HALError.Fault) -> [String: Measurement] {
  var driver = driver
  return try play(&driver, steps)
}

/// The fault with which a driver answers a recording.
package func fault(_ driver: some ChipDriver, _ steps: [RecordedTransport.Step]) -> HALError.Fault? {
  do throws(HALError.Fault) {
    _ = try play(driver, steps)
    return nil
  } catch {
    return error
  }
}

/// Whether two numbers are within `tolerance` of each other.
package func near(_ value: Double?, _ expected: Double, _ tolerance: Double = 1e-9) -> Bool {
  value.map { abs($0 - expected) <= tolerance } ?? false
}

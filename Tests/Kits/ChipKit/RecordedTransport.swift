import Chips
import HAL
import Model
import Testing

/// Plays a recording of a bus: each transfer must match the next step, byte for byte.
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
  /// The total time that the driver has paused.
  package private(set) var paused = Duration.zero

  package init(_ steps: [Step]) { self.steps = steps[...] }

  /// The number of steps left.
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

/// Runs a measurement of a driver against a recording, and expects all steps to be played.
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

/// Runs one measurement of a driver that is not needed afterwards.
package func play(
  _ driver: some ChipDriver, _ steps: [RecordedTransport.Step]
) throws(HALError.Fault) -> [String: Measurement] {
  var driver = driver
  return try play(&driver, steps)
}

/// The fault that a driver throws for a recording; nil when it throws none.
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

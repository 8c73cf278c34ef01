import HALTestKit
import Model
import Testing

@testable import HAL

/// What a sensor's values go through before anybody sees a reading.
@Suite struct FilterTests {
  let ann = Principal.named("agent/ann")

  /// Measures `values` one a second.
  /// - Returns: a shown reading for each: its value, and `?` if it is suspect.
  private func shown(_ settings: SensorSettings, _ values: [Double]) throws -> (texts: [String], bench: GateBench) {
    let bench = GateBench([.sensor("t", settings)])
    var texts: [String] = []
    try bench.backend.inject("t", ["value": .double(values[0])])
    _ = try bench.hardware.subscribe("t")
    for value in values {
      try bench.backend.inject("t", ["value": .double(value)])
      bench.wait(texts.isEmpty ? 0 : 1000)
      let reading = try bench.hardware.latestReading("t", as: ann)
      texts.append(reading.value.text + (reading.quality == .good ? "" : "?"))
    }
    return (texts, bench)
  }

  private func filtered(_ filter: FilterSettings, _ values: [Double]) throws -> [String] {
    try shown(SensorSettings(filter: filter), values).texts
  }

  @Test func anImplausibleValueIsSuspect() throws {
    let filter = FilterSettings(range: -30...60)
    #expect(try filtered(filter, [21, 85, -30, 60, -31]) == ["21", "85?", "-30", "60", "-31?"])
  }

  @Test func aJumpMustRepeat() throws {
    let filter = FilterSettings(spike: 5)
    // The very first reading, too: many chips begin with 85 °C.
    #expect(try filtered(filter, [85, 21, 21, 24]) == ["85?", "21?", "21", "24"])
    #expect(try filtered(filter, [20, 20, 85, 20, 85, 84, 20]) == ["20?", "20", "85?", "20", "85?", "84", "20?"])
    #expect(try filtered(filter, [20, 20, 40, 60, 65]) == ["20?", "20", "40?", "60?", "65"])
  }

  /// RULES.md, case 12.
  @Test(arguments: [FilterSettings(range: -30...60), FilterSettings(spike: 5)])
  func oneWrongReadingStartsNothing(filter: FilterSettings) throws {
    let (texts, bench) = try shown(SensorSettings(filter: filter), [21, 21, 21, 85, 21])
    #expect(texts[3] == "85?")
    #expect(bench.sink.of("sensor:t").allSatisfy { $0["value"] == 21.0 && $0["quality"] == "good" })
    try bench.backend.inject("t", ["value": 85])
    bench.wait(1000)
    #expect(try bench.hardware.newestGood("t").value == 21)
    #expect(bench.hardware.device("t")?.reading?.quality == .suspect)
  }

  @Test func aValueOutOfRangeDoesNotConfirmAJump() throws {
    let filter = FilterSettings(range: 0...50, spike: 2)
    #expect(try filtered(filter, [20, 90, 20, 20]) == ["20?", "90?", "20?", "20"])
  }

  @Test func theMedianIgnoresOutliers() throws {
    #expect(try filtered(FilterSettings(median: 3), [1, 2, 3, 100, 4, 5]) == ["1", "1.5", "2", "3", "4", "5"])
  }

  @Test func theMeanCoversItsTime() throws {
    #expect(
      try filtered(FilterSettings(mean: .seconds(3)), [3, 6, 9, 12, 12, 12]) == ["3", "4.5", "6", "9", "11", "12"])
  }

  @Test func theMeanOfManyReadingsNeedsLittleMemory() {
    var window = MeanWindow(.seconds(3600))
    var (mean, now) = (0.0, Instant(nanoseconds: 0))
    for step in 0..<10_000 {
      mean = window.add(step < 5000 ? 0 : 1, at: now)
      now = now + .seconds(1)
    }
    #expect(mean == 1)
    #expect(MemoryLayout.size(ofValue: window) <= 24 && window.slotCount <= 33)
  }

  @Test func afterALongSilenceAFilterBeginsAnew() throws {
    let bench = GateBench([.sensor("t", SensorSettings(filter: FilterSettings(spike: 5, median: 5)))])
    try bench.backend.inject("t", ["value": 20])
    bench.wait(10_000)
    try bench.backend.inject("t", "nack")
    bench.wait(600_000)
    try bench.backend.inject("t", ["value": 40])
    try bench.backend.inject("t", "none")
    bench.wait(30_000)
    #expect(try bench.hardware.newestGood("t").value == 40, "values from before the silence count")
  }

  @Test func calibrationComesFirst() throws {
    let curve = [CurvePoint(0, 0), CurvePoint(512, 20), CurvePoint(1023, 100)]
    let values = [-5.0, 0, 256, 512, 1023, 2000]
    #expect(try shown(SensorSettings(points: curve), values).texts == ["0", "0", "10", "20", "100", "100"])
    #expect(
      try shown(SensorSettings(scale: 2, offset: 1, points: curve), [512, 1023]).texts == ["41", "201"])
    let fahrenheit = SensorSettings(unit: "°C", convert: "°F", filter: FilterSettings(range: 32...212))
    let (texts, bench) = try shown(fahrenheit, [0, 100, -1])
    #expect(texts == ["32", "212", "30.2?"])
    #expect(try bench.hardware.latestReading("t", as: ann).unit == "°F")
  }

  @Test func aUnitThatCannotBeConvertedIsAFault() throws {
    for (unit, said) in [("%", "its values are in '%', which cannot be converted to °F"), (nil, "add 'unit'")] {
      let bench = GateBench([.sensor("t", SensorSettings(unit: unit, convert: "°F"))])
      bench.wait(0)
      #expect(bench.hardware.device("t")?.fault?.contains(said) == true)
    }
  }

  /// Whatever is measured, an average lies within the accepted values, and is a number.
  @Test(arguments: 1...200)
  func averagesStayWithinWhatWasAccepted(seed: UInt64) {
    var random = SystemNoise(seed)
    let range = random.chance() ? -1e3...1e3 : nil
    let settings = FilterSettings(
      range: range, spike: random.chance() ? 500 : nil,
      median: random.chance() ? Int.random(in: 1...7, using: &random) * 2 + 1 : nil,
      mean: random.chance() ? .milliseconds(Int.random(in: 1...20_000, using: &random)) : nil)
    let filter = Filter(settings)
    let isWild = random.chance()
    var (low, high, now) = (Double.infinity, -Double.infinity, Instant(nanoseconds: 5))
    for _ in 0..<300 {
      let value: Double =
        isWild
        ? [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0, 1, 1e-300].randomElement(
          using: &random) ?? 0
        : Double.random(in: -1500...1500, using: &random)
      now = now + .milliseconds(Int.random(in: 0...3000, using: &random))
      if random.chance(0.05) { filter.passOver() }
      guard let result = filter.take(value, at: now, patience: .seconds(1000)) else { continue }
      (low, high) = (min(low, value), max(high, value))
      #expect(!result.isNaN && (low...high).contains(result), "\(result) is not within \(low)...\(high)")
      if let range { #expect(range.contains(result)) }
    }
  }
}

/// A reproducible generator: SplitMix64.
private struct SystemNoise: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }

  mutating func chance(_ share: Double = 0.5) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}

import ChipKit
import HAL
import Model
import Testing

@testable import Chips
@testable import HALLinux

/// Devices that share a chip, and chips that share a bus.
@Suite struct ChipMeasurementTests {
  /// A recorded bus, its chips and a manual clock; the conversion times of chips are pauses of the recording.
  private final class ChipBench {
    let clock = ManualClock()
    private(set) var bus: I2CBus<RecordedTransport>
    private var chips: [UInt8: Chip<RecordedTransport>] = [:]

    init(_ steps: [RecordedTransport.Step]) {
      bus = I2CBus(RecordedTransport(steps)) { Instant(nanoseconds: 1) }
    }

    var remaining: Int { bus.base.remaining }

    func chip(_ address: UInt8) -> Chip<RecordedTransport> {
      if let chip = chips[address] { return chip }
      let chip = Chip<RecordedTransport>(clock: clock) { [unowned self] work, completion in
        completion(work(&bus))
      }
      chips[address] = chip
      return chip
    }

    /// Advances the clock by the next chip's conversion time.
    func wait() {
      guard let next = clock.nextDeadline() else { return }
      let time = next - clock.now
      bus.withBase { $0.pause(time) }
      clock.advance(by: time)
    }

    func measure(
      _ key: ChipKey, _ quantity: String, _ make: @escaping @Sendable () -> any ChipDriver
    ) -> Result<Measurement, HALError.Fault>? {
      var answer: Result<Measurement, HALError.Fault>?
      chip(key.address).measure(key, quantity, make) { answer = $0 }
      while answer == nil, clock.nextDeadline() != nil { wait() }
      return answer
    }
  }

  private static let key = ChipKey(address: 0x76, driver: "bmp280")
  private static let bmp280: @Sendable () -> any ChipDriver = { BoschEnvironment(address: 0x76, model: .bmp280) }

  @Test func twoQuantitiesCostOneTransfer() throws {
    let bench = ChipBench(BMP280Recording.start + BMP280Recording.measurement + BMP280Recording.measurement)
    let temperature = try #require(bench.measure(Self.key, "temperature", Self.bmp280)).get()
    bench.clock.advance(by: .milliseconds(5))
    let pressure = try #require(bench.measure(Self.key, "pressure", Self.bmp280)).get()
    #expect(near(temperature.value, 25.08, 0.005))
    #expect(near(pressure.value, 1006.53, 0.005))
    #expect(bench.remaining == BMP280Recording.measurement.count)
    bench.clock.advance(by: .milliseconds(10))
    _ = bench.measure(Self.key, "pressure", Self.bmp280)
    #expect(bench.remaining == 0)
  }

  @Test func concurrentCallersShareTheMeasurement() {
    let bench = ChipBench(BMP280Recording.start + BMP280Recording.measurement)
    var answers = 0
    for quantity in ["temperature", "pressure", "temperature"] {
      bench.chip(0x76).measure(Self.key, quantity, Self.bmp280) { if case .success = $0 { answers += 1 } }
    }
    #expect(answers == 0)
    bench.wait()
    #expect(answers == 3 && bench.remaining == 0)
  }

  @Test func aMissingQuantityIsAFault() {
    let bench = ChipBench(BMP280Recording.start + BMP280Recording.measurement)
    #expect(
      bench.measure(Self.key, "humidity", Self.bmp280)
        == .failure(.protocolViolation("the chip gave no valid humidity")))
  }

  @Test func aWrongChecksumIsRetried() throws {
    func measurement(_ sum: UInt8) -> [RecordedTransport.Step] {
      [
        .transfer(0x44, write: [0x24, 0x00], answer: []), .pause(.milliseconds(15)),
        .transfer(0x44, write: [], answer: [0x66, 0x66, sum, 0x80, 0x00, 0xA2]),
      ]
    }
    let key = ChipKey(address: 0x44, driver: "sht3x")
    let bench = ChipBench(measurement(0x92) + measurement(0x91) + measurement(0x93))
    let found = try #require(bench.measure(key, "temperature") { SHT3x(address: 0x44) }).get()
    #expect(near(found.value, 25, 0.001))
    let broken = ChipBench(measurement(0x92) + measurement(0x91) + measurement(0x90))
    #expect(broken.measure(key, "temperature") { SHT3x(address: 0x44) } == .failure(.checksum))
    #expect(broken.remaining == 0)
  }

  @Test func aFailedChipIsConfiguredAgain() throws {
    let failure: [RecordedTransport.Step] = [.fault(0x76, write: [0xF4, 0x25], .gone)]
    let bench = ChipBench(BMP280Recording.start + failure + BMP280Recording.start + BMP280Recording.measurement)
    #expect(bench.measure(Self.key, "temperature", Self.bmp280) == .failure(.gone))
    // The other quantities of the chip share the failure.
    #expect(bench.measure(Self.key, "pressure", Self.bmp280) == .failure(.gone))
    bench.clock.advance(by: .seconds(1))
    #expect(near(try #require(bench.measure(Self.key, "temperature", Self.bmp280)).get().value, 25.08, 0.005))
    #expect(bench.remaining == 0)
  }

  @Test func aChipThatNeverFinishesIsAFault() {
    let busy = RecordedTransport.Step.transfer(0x38, write: [], answer: [0x98, 0, 0, 0, 0, 0, 0])
    let polls = Array(repeating: [RecordedTransport.Step.pause(.milliseconds(10)), busy], count: 10).flatMap(\.self)
    let bench = ChipBench(
      [
        .transfer(0x38, write: [], answer: [0x18]), .transfer(0x38, write: [0xAC, 0x33, 0x00], answer: []),
        .pause(.milliseconds(80)), busy,
      ] + polls)
    #expect(
      bench.measure(ChipKey(address: 0x38, driver: "aht20"), "humidity") { AHT20(address: 0x38) }
        == .failure(.protocolViolation("the chip is still busy long after its conversion time")))
    #expect(bench.remaining == 0)
  }

  /// While a BH1750 converts for 180 ms, another chip is read and an output is driven.
  @Test func theBusIsFreeWhileAChipMeasures() throws {
    let bench = ChipBench([
      .transfer(0x23, write: [0x01], answer: []), .transfer(0x23, write: [0x20], answer: []),
      .transfer(0x48, write: [0x00], answer: [0x19, 0x00]), .pause(.milliseconds(180)),
      .transfer(0x23, write: [], answer: [0x83, 0x90]),
    ])
    var light: Result<Measurement, HALError.Fault>?
    bench.chip(0x23).measure(ChipKey(address: 0x23, driver: "bh1750"), "value", { BH1750(address: 0x23) }) {
      light = $0
    }
    var celsius: Result<Measurement, HALError.Fault>?
    bench.chip(0x48).measure(ChipKey(address: 0x48, driver: "tmp102"), "value", { TMP102(address: 0x48) }) {
      celsius = $0
    }
    #expect(try celsius?.get().value == 25 && light == nil)
    bench.wait()
    #expect(near(try light?.get().value, 28067, 0.5))
    #expect(bench.remaining == 0)
  }

  /// A converter runs one conversion at a time, for all its channels.
  @Test func aChipMeasuresOneThingAtATime() throws {
    func conversion(_ high: UInt8, _ answer: UInt8) -> [RecordedTransport.Step] {
      [
        .transfer(0x48, write: [0x01, high, 0x83], answer: []), .pause(.milliseconds(8)),
        .transfer(0x48, write: [0x01], answer: [high, 0x83]), .transfer(0x48, write: [0x00], answer: [answer, 0]),
      ]
    }
    let bench = ChipBench(conversion(0xC5, 0x40) + conversion(0xD5, 0x20))
    var volts: [Double] = []
    for (variant, input) in [("0", ADS1115.Input.single0), ("1", .single1)] {
      let key = ChipKey(address: 0x48, driver: "ads1115", variant: variant)
      bench.chip(0x48).measure(key, "value", { ADS1115(address: 0x48, input: input, range: .volts2_048) }) {
        if case .success(let found) = $0 { volts.append(found.value) }
      }
    }
    bench.wait()
    bench.wait()
    #expect(volts == [1.024, 0.512] && bench.remaining == 0)
  }
}

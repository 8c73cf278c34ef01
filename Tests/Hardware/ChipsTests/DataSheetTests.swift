import ChipKit
import Chips
import HAL
import Model
import Testing

/// Runs every chip against the rows of its data sheet. A new chip needs no change here.
@Suite struct DataSheetTests {
  @Test(arguments: ChipSensor.all.map(\.name))
  func dataSheet(_ name: String) throws {
    let sensor = try #require(ChipSensor.all.first { $0.name == name })
    let examples = sensor.examples
    #expect(!examples.isEmpty, "\(name) has no example of its data sheet")
    for example in examples {
      var options = example.options
      options["address"] = sensor.entry.options.first { $0.name == "address" }?.defaultValue ?? 0x20
      let device = Device(id: "d", kind: .sensor(SensorSettings()), driver: name, options: options)
      let choice = try #require(try ChipSensor.choice(device, SensorSettings()))
      var bus = MemoryTransport(choice.address, example)
      var driver = choice.make()
      _ = try driver.start(&bus)
      let found = try #require(try driver.collect(&bus), "\(name) has not finished")
      #expect(Set(found.keys).isSubset(of: sensor.quantities.map(\.key)))
      for (quantity, value) in example.quantities {
        #expect(
          near(found[quantity]?.value, value, example.tolerance),
          "\(quantity) of \(name) is \(String(describing: found[quantity])), expected \(value)")
        #expect(found[quantity]?.quality == .good)
      }
      for contents in example.leaves {
        #expect(bus.contents(contents.offset, contents.bytes.count) == contents.bytes, "\(name) at \(contents.offset)")
      }
    }
  }

  /// The schema names exactly the quantities that the driver returns, and the examples cover all of them.
  @Test(arguments: ChipSensor.all.map(\.name))
  func quantities(_ name: String) throws {
    let sensor = try #require(ChipSensor.all.first { $0.name == name })
    let tried = sensor.examples.reduce(into: Set<String>()) { $0.formUnion($1.quantities.keys) }
    #expect(tried == Set(sensor.quantities.map(\.key)))
  }

  @Test func noTwoChipsShareAName() {
    let names = ChipSensor.all.map(\.name) + ChipOutput.all.map(\.name)
    #expect(Set(names).count == names.count)
  }
}

import Config
import Model
import TestKit
import Testing

/// What a board file says about a sensor's values.
@Suite struct SensorSettingsTests {
  private func text(_ settings: String) -> String {
    "name: bench\nbackend: simulated\ndevices:\n  t: {kind: sensor, \(settings)}"
  }

  private func settings(_ text: String) throws -> SensorSettings {
    let (board, warnings) = try ConfigText.board(Array(self.text(text).utf8), file: "f")
    #expect(warnings.isEmpty, "\(warnings)")
    guard case .sensor(let settings)? = board.device("t")?.kind else { throw Unexpected() }
    return settings
  }

  private struct Unexpected: Error {}

  @Test func allAreRead() throws {
    #expect(try settings("stale: 30s, stuck: 2h") == SensorSettings(stale: .seconds(30), stuck: .seconds(7200)))
    #expect(
      try settings("filter: {range: [-30, 60], spike: 5, median: 5, mean: 10s}")
        == SensorSettings(filter: FilterSettings(range: -30...60, spike: 5, median: 5, mean: .seconds(10))))
    #expect(
      try settings("points: [[0, 0], [512, 20], [1023, 100.5]]")
        == SensorSettings(points: [CurvePoint(0, 0), CurvePoint(512, 20), CurvePoint(1023, 100.5)]))
    for unit in ["°F", "F"] {
      #expect(try settings("convert: \(unit), unit: °C") == SensorSettings(unit: "°C", convert: "°F"))
    }
  }

  @Test func mistakesAreNamed() {
    #expect(
      complaints(.board, text("stale: 30, filter: {rnge: [1, 2], range: [60, -30], spike: 0, median: 4, mean: 10}"))
        == #"""
        f:4:28: 'stale' is 30, expected a duration such as 500ms, 10s or 1m30s (at least 1ms)
        f:4:41: 'filter' has an unknown key 'rnge' (did you mean 'range'?)
        f:4:62: 'range' is a list, expected two numbers, the smaller one first, such as [-30, 60]
        f:4:80: 'spike' is 0, expected a number greater than 0
        f:4:91: 'median' is 4, expected an odd number from 3 to 15
        f:4:100: 'mean' is 10, expected a duration such as 500ms, 10s or 1m30s (at least 1ms)
        """#)
    #expect(
      complaints(.board, text("points: [[0, 0], [512, 20], [512, 30]]")) == #"""
        f:4:49: 'points' has 512 after 512, expected the first numbers to rise
        """#)
    #expect(
      complaints(.board, text("points: [[0, 0], [512]]")) == #"""
        f:4:38: a point of 'points' is a list, expected two numbers such as [512, 20]
        """#)
    #expect(complaints(.board, text("points: [[0, 0]]")).contains("expected 2 to 64 points"))
    #expect(
      complaints(.board, text("unit: hPa, convert: °F")) == #"""
        f:4:41: 'convert' is '°F', but 'unit' is 'hPa', which can be converted to Pa, kPa, bar, psi, mmHg or inHg
        """#)
    #expect(complaints(.board, text("convert: inhg")).contains("'convert' is 'inhg', expected a unit: °C, °F, K, "))
    #expect(complaints(.board, text("convert: inhg")).hasSuffix("(did you mean 'inHg'?)"))
  }

  @Test func theUnitOfAChipIsKnown() {
    let board = """
      name: bench
      buses: {one: /dev/i2c-1}
      devices:
        a: {kind: sensor, driver: bme280, bus: one, convert: °F}
        b: {kind: sensor, driver: bme280, bus: one, quantity: humidity, convert: °F}
      """
    #expect(
      complaints(.board, board) == #"""
        f:5:76: 'convert' is '°F', but driver 'bme280' measures in '%', which cannot be converted
        """#)
  }

  @Test func nonsenseIsDoubted() {
    #expect(
      complaints(.board, text("every: 10s, stale: 5s, filter: {mean: 2s}, stuck: 10s")) == #"""
        f:4:40: warning: 'stale' is 5s, but a reading comes only every 10s: it is stale in between
        f:4:59: warning: 'mean' is 2s, but a reading comes only every 10s: there is nothing to average
        f:4:71: warning: 'stuck' is 10s, but a reading comes only every 10s: two equal ones would do
        """#)
    #expect(
      complaints(.board, text("on_demand: true, filter: {spike: 5}")) == #"""
        f:4:46: warning: 'spike' needs several readings in a row: a sensor that is measured on demand may have only one
        """#)
    #expect(
      complaints(.board, text("filter: {range: [0, 50], spike: 50}")) == #"""
        f:4:29: warning: 'spike' is 50, but no jump within 'range' is greater: only the first reading must repeat
        """#)
    #expect(
      complaints(.board, text("filter: {}")) == #"""
        f:4:29: warning: 'filter' is empty: it changes nothing
        """#)
  }

  @Test func thePageNamesEveryUnit() throws {
    let page = String(decoding: try Repository.read("docs/board-yaml.md"), as: UTF8.self)
    for unit in UnitConversion.targets { #expect(page.contains("`\(unit)`"), "docs/board-yaml.md lacks \(unit)") }
  }
}

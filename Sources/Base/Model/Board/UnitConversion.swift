/// The conversion of a sensor's values from one unit into another of the same quantity.
package struct UnitConversion: Sendable {
  /// The unit of the values that `callAsFunction` takes.
  package let from: String
  /// The unit of the results.
  package let to: String
  private let source: (factor: Double, zero: Double)
  private let target: (factor: Double, zero: Double)

  /// - Returns: nil when a unit is unknown, or the units are of different quantities.
  package init?(from: String, to: String) {
    guard let source = Self.unit(from), let target = Self.unit(to), source.quantity == target.quantity else {
      return nil
    }
    self.from = from
    self.to = to
    self.source = (source.factor, source.zero)
    self.target = (target.factor, target.zero)
  }

  /// Converts a value.
  package func callAsFunction(_ value: Double) -> Double {
    (value * source.factor + source.zero - target.zero) / target.factor
  }

  /// The units into which values can be converted, those of one quantity beside each other.
  package static var targets: [String] { all.map(\.symbol) }

  /// The units of the same quantity as `symbol`, without it; empty when it is unknown.
  package static func partners(of symbol: String) -> [String] {
    guard let unit = unit(symbol) else { return [] }
    return all.filter { $0.quantity == unit.quantity && !$0.symbol.isSame(as: symbol) }.map(\.symbol)
  }

  /// A value in base units is `value * factor + zero`.
  private struct Unit {
    var symbol: String
    var quantity: String
    var factor: Double
    var zero = 0.0
  }

  private static func unit(_ symbol: String) -> Unit? { all.first { $0.symbol.isSame(as: symbol) } }

  /// Made on demand: most boards convert nothing.
  private static var all: [Unit] {
    [
      // In ninths of a degree Celsius, so that 0 °C is 32 °F exactly.
      Unit(symbol: "°C", quantity: "temperature", factor: 9),
      Unit(symbol: "°F", quantity: "temperature", factor: 5, zero: -160),
      Unit(symbol: "K", quantity: "temperature", factor: 9, zero: -9 * 273.15),
      Unit(symbol: "Pa", quantity: "pressure", factor: 1), Unit(symbol: "hPa", quantity: "pressure", factor: 100),
      Unit(symbol: "kPa", quantity: "pressure", factor: 1000), Unit(symbol: "bar", quantity: "pressure", factor: 1e5),
      Unit(symbol: "psi", quantity: "pressure", factor: 6894.757),
      Unit(symbol: "mmHg", quantity: "pressure", factor: 133.322387),
      Unit(symbol: "inHg", quantity: "pressure", factor: 3386.389),
      Unit(symbol: "mm", quantity: "length", factor: 0.001), Unit(symbol: "cm", quantity: "length", factor: 0.01),
      Unit(symbol: "m", quantity: "length", factor: 1), Unit(symbol: "in", quantity: "length", factor: 0.0254),
      Unit(symbol: "ft", quantity: "length", factor: 0.3048),
      Unit(symbol: "m/s", quantity: "speed", factor: 1), Unit(symbol: "km/h", quantity: "speed", factor: 1 / 3.6),
      Unit(symbol: "mph", quantity: "speed", factor: 0.44704),
      Unit(symbol: "kn", quantity: "speed", factor: 1.852 / 3.6),
      Unit(symbol: "m/s²", quantity: "acceleration", factor: 1),
      Unit(symbol: "g", quantity: "acceleration", factor: 9.80665),
      Unit(symbol: "°/s", quantity: "rotation", factor: .pi / 180),
      Unit(symbol: "rad/s", quantity: "rotation", factor: 1),
      Unit(symbol: "rpm", quantity: "rotation", factor: .pi / 30),
      Unit(symbol: "mV", quantity: "voltage", factor: 0.001), Unit(symbol: "V", quantity: "voltage", factor: 1),
      Unit(symbol: "mA", quantity: "current", factor: 0.001), Unit(symbol: "A", quantity: "current", factor: 1),
      Unit(symbol: "mW", quantity: "power", factor: 0.001), Unit(symbol: "W", quantity: "power", factor: 1),
      Unit(symbol: "kW", quantity: "power", factor: 1000),
      Unit(symbol: "J", quantity: "energy", factor: 1), Unit(symbol: "Wh", quantity: "energy", factor: 3600),
      Unit(symbol: "kWh", quantity: "energy", factor: 3_600_000),
      Unit(symbol: "mL", quantity: "volume", factor: 0.001), Unit(symbol: "L", quantity: "volume", factor: 1),
      Unit(symbol: "m³", quantity: "volume", factor: 1000),
      Unit(symbol: "gal", quantity: "volume", factor: 3.785411784),
      Unit(symbol: "s", quantity: "time", factor: 1), Unit(symbol: "min", quantity: "time", factor: 60),
      Unit(symbol: "h", quantity: "time", factor: 3600), Unit(symbol: "d", quantity: "time", factor: 86400),
    ]
  }
}

import Document
import Model

extension Shape where Wanted == [CurvePoint] {
  /// The points of a calibration curve, by rising measured value.
  static var curve: Shape {
    Shape(
      expected: "a list of points such as [[0, 0], [512, 20], [1023, 100]]",
      .list(of: .list(of: .number(), count: 2...2), count: 2...64)
    ) { node, subject, findings in
      guard case .list(let nodes) = node.content, (2...64).contains(nodes.count) else {
        findings.error(
          node.location, "\(subject) is \(Wording.shown(node)), expected 2 to 64 points such as [[0, 0], [1023, 100]]")
        return nil
      }
      var points: [CurvePoint] = []
      for node in nodes {
        guard let pair = pair(node) else {
          findings.error(
            node.location, "a point of \(subject) is \(Wording.shown(node)), expected two numbers such as [512, 20]")
          return nil
        }
        if let last = points.last, pair.0 <= last.measured {
          findings.error(
            node.location,
            "\(subject) has \(pair.0.text) after \(last.measured.text), expected the first numbers to rise")
          return nil
        }
        points.append(CurvePoint(pair.0, pair.1))
      }
      return points
    }
  }
}

extension Shape where Wanted == ClosedRange<Double> {
  /// Two numbers, the smaller one first.
  static var interval: Shape {
    Shape("two numbers, the smaller one first, such as [-30, 60]", .list(of: .number(), count: 2...2)) { node in
      guard let (low, high) = pair(node), low < high else { return nil }
      return low...high
    }
  }
}

extension Shape where Wanted == String {
  /// A unit into which values can be converted. `C` and `F` are accepted for `°C` and `°F`.
  static var targetUnit: Shape {
    let units = UnitConversion.targets
    return Shape("a unit: \(units.joined(separator: ", "))", names: units, .choice(units + ["C", "F"])) { node in
      guard case .string(let text) = node.content else { return nil }
      let symbol = text == "C" || text == "F" ? "°\(text)" : text
      return units.contains { $0.isSame(as: symbol) } ? symbol : nil
    }
  }
}

extension Shape where Wanted == Int {
  /// An odd integer within `range`.
  static func oddCount(_ range: ClosedRange<Int>) -> Shape {
    Shape(
      "an odd number from \(range.lowerBound) to \(range.upperBound)",
      Schema(["enum": .list(range.filter { $0 % 2 == 1 }.map { .int(Int64($0)) })])
    ) { node in
      guard let value = node.scalar.int, value % 2 == 1, range.contains(Int(value)) else { return nil }
      return Int(value)
    }
  }
}

/// The numbers of a list of two; nil for any other node.
private func pair(_ node: Node) -> (Double, Double)? {
  guard case .list(let nodes) = node.content, nodes.count == 2, let first = nodes[0].scalar.double,
    let second = nodes[1].scalar.double, first.isFinite, second.isFinite
  else { return nil }
  return (first, second)
}

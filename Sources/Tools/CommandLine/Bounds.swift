import ArgumentParser
import Model

/// Parses a positive duration on the command line.
enum SpanArgument {
  static func read(_ text: String) throws -> Duration {
    let text = MinusSign.restore(text)
    guard let length = Quantity.duration(text), length > .zero else {
      throw ValidationError("'\(text)' is not a duration such as 500ms, 5s, 2m or 1h")
    }
    return length
  }
}

/// Checks the ranges of options.
enum Bounds {
  /// The longest hold of an actuator: a year.
  private static let longestHold = Duration.seconds(365 * 86_400)

  static func check(_ hold: Duration?, _ name: String) throws {
    if let hold, hold > longestHold { throw ValidationError("\(name) is \(hold.text); a year (8760h) is the longest") }
  }

  static func check(_ number: Int?, _ range: ClosedRange<Int>, _ name: String) throws {
    if let number, !range.contains(number) {
      throw ValidationError("\(name) is \(number); it must be from \(range.lowerBound) to \(range.upperBound)")
    }
  }
}

import ArgumentParser
import Model

/// A length of time on the command line.
enum SpanArgument {
  static func read(_ text: String) throws -> Duration {
    guard let length = Quantity.duration(text), length > .zero else {
      throw ValidationError("'\(text)' is not a length of time such as 500ms, 5s, 2m or 1h")
    }
    return length
  }
}

/// Numbers that must be within bounds.
enum Bounds {
  static func check(_ number: Int?, _ range: ClosedRange<Int>, _ name: String) throws {
    if let number, !range.contains(number) {
      throw ValidationError("\(name) is \(number); it must be from \(range.lowerBound) to \(range.upperBound)")
    }
  }
}

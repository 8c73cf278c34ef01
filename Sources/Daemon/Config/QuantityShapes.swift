import Document
import Model

extension Shape where Wanted == Int {
  /// An integer within `range`.
  static func int(_ range: ClosedRange<Int>) -> Shape {
    let expected =
      range.upperBound == .max
      ? "an integer of at least \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)"
    return Shape(expected, .integer(range)) { node in
      guard let value = node.scalar.int, range.contains(Int(value)) else { return nil }
      return Int(value)
    }
  }

  /// A number of bytes, at most 16 MiB; 0 for none.
  static var size: Shape {
    Shape("a size of at most 16MiB such as 64KiB, or 0", .either(.text(Schema.bytes), .integer(0...16 << 20))) { node in
      let bytes: Int? =
        switch node.content {
        case .string(let text): Quantity.bytes(text)
        case .int(let value): Int(value)
        default: nil
        }
      return bytes.flatMap { (0...16 << 20).contains($0) ? $0 : nil }
    }
  }

  /// A positive number of bytes: `4MiB`, or an integer.
  static var bytes: Shape {
    Shape("a size such as 4MiB or 512KiB", .either(.text(Schema.bytes), .integer(1...Int.max))) { node in
      let bytes: Int? =
        switch node.content {
        case .string(let text): Quantity.bytes(text)
        case .int(let value): Int(value)
        default: nil
        }
      return bytes.flatMap { $0 > 0 ? $0 : nil }
    }
  }
}

extension Shape where Wanted == Double {
  /// A finite number that satisfies `fits`.
  /// - Parameters:
  ///   - expected: the description of such numbers, for messages.
  ///   - schema: the form of such numbers.
  static func number(
    _ expected: String = "a number", _ schema: @autoclosure @escaping () -> Schema = .number(),
    where fits: @escaping (Double) -> Bool = { _ in true }
  ) -> Shape {
    Shape(expected, schema()) { node in
      guard let value = node.scalar.double, value.isFinite, fits(value) else { return nil }
      return value
    }
  }

  /// A number within `range`.
  static func number(_ range: ClosedRange<Double>) -> Shape {
    number(
      "a number from \(short(range.lowerBound)) to \(short(range.upperBound))",
      .number(["minimum": .double(range.lowerBound), "maximum": .double(range.upperBound)])
    ) { range.contains($0) }
  }

  static var positive: Shape { number("a number greater than 0", .number(["exclusiveMinimum": 0])) { $0 > 0 } }

  /// A share of one core: greater than 0, and at most 64 cores.
  static var percent: Shape {
    Shape("a percentage such as 10%", .text(Schema.percent)) { node in
      guard case .string(let text) = node.content, let share = Quantity.percent(text), share > 0, share <= 64 else {
        return nil
      }
      return share
    }
  }

  private static func short(_ number: Double) -> String {
    number == number.rounded() ? "\(Int(number))" : "\(number)"
  }
}

extension Shape where Wanted == Duration {
  /// A duration of at least `shortest`.
  static func duration(atLeast shortest: Duration = .zero) -> Shape {
    let bound = shortest > .zero ? " (at least \(shortest.text))" : ""
    return Shape("a duration such as 500ms, 10s or 1m30s\(bound)", .text(Schema.duration)) { node in
      guard case .string(let text) = node.content, let duration = Quantity.duration(text), duration >= shortest else {
        return nil
      }
      return duration
    }
  }

  /// A duration within `range`.
  static func duration(_ range: ClosedRange<Duration>) -> Shape {
    Shape("a duration from \(range.lowerBound.text) to \(range.upperBound.text)", .text(Schema.duration)) { node in
      guard case .string(let text) = node.content, let duration = Quantity.duration(text), range.contains(duration)
      else { return nil }
      return duration
    }
  }

  /// A number of milliseconds, the notation of upstream manifests.
  static func milliseconds(_ range: ClosedRange<Int64>) -> Shape {
    Shape(
      "milliseconds, an integer from \(range.lowerBound) to \(range.upperBound)",
      .integer(Int(range.lowerBound)...Int(range.upperBound))
    ) { node in
      guard let value = node.scalar.int, range.contains(value) else { return nil }
      return .milliseconds(value)
    }
  }
}

extension Shape where Wanted == Duration {
  /// A duration of at least a millisecond, or upstream's number of milliseconds.
  static var durationOrMilliseconds: Shape {
    Shape(
      "a duration such as 30s, or an integer of milliseconds, of at least 1ms",
      .either(.text(Schema.duration), .integer(1...Int.max))
    ) { node in
      let time: Duration?
      if case .string(let text) = node.content {
        time = Quantity.duration(text)
      } else {
        // More than a thousand years are none.
        time = node.scalar.int.flatMap { $0 <= 1 << 45 ? Duration.milliseconds($0) : nil }
      }
      return time.flatMap { $0 >= .milliseconds(1) ? $0 : nil }
    }
  }
}

extension Shape where Wanted == Rate {
  /// A rate of bytes.
  static var byteRate: Shape {
    Shape("a rate of bytes such as 64KiB/m or 100MB/d", .text(Schema.byteRate)) { node in
      if case .string(let text) = node.content { Quantity.byteRate(text) } else { nil }
    }.doubted(Self.nothing)
  }

  /// A rate of events.
  static var rate: Shape {
    Shape("a rate such as 20/s or 10k/h", .text(Schema.rate)) { node in
      if case .string(let text) = node.content { Quantity.rate(text) } else { nil }
    }.doubted(Self.nothing)
  }

  private static func nothing(_ rate: Rate) -> String? {
    rate.count > 0 ? nil : "it allows nothing; omit it for no limit"
  }
}

import Model

/// Folds repeated lines: the first is written, equal ones are counted, and the count is written at the end of a window.
/// While repetitions continue the windows grow.
struct LineFold {
  /// Identifies a line: lines are equal when their level and key are.
  struct Line: Hashable {
    var level: LogLevel
    var key: String
  }

  private struct Repetition {
    /// The newest of the equal lines.
    var text: String
    var count = 0
    /// How many lines were written in this window.
    var written = 1
    var step = 0
    var end: Instant
  }

  /// How long equal lines are counted before the count is written: the first window, the second, and all others.
  static let windows: [Duration] = [.seconds(10), .seconds(60), .seconds(600)]
  /// How many different lines are remembered. Beyond that lines are only counted, except that errors and worse are
  /// always written.
  static let most = 128

  /// How many equal lines are written in a window before further ones are counted.
  let burst: Int
  private var known: [Line: Repetition] = [:]
  private var others: Repetition?

  init(burst: Int = 1) { self.burst = burst }

  /// When the next count is due; nil when no line was repeated.
  var due: Instant? {
    (Array(known.values) + [others].compactMap(\.self)).filter { $0.count > 0 }.map(\.end).min()
  }

  /// Takes a line.
  /// - Returns: whether to write it; false when it was counted.
  mutating func admit(_ line: Line, _ text: String, at now: Instant) -> Bool {
    if known[line] != nil {
      if let old = known[line], old.count == 0, old.end <= now {
        known[line] = Repetition(text: text, end: now + Self.windows[0])
        return true
      }
      if let old = known[line], old.written < burst {
        known[line]?.written += 1
        return true
      }
      known[line]?.count += 1
      known[line]?.text = text
      return false
    }
    if known.count >= Self.most { known = known.filter { $0.value.count > 0 || $0.value.end > now } }
    guard known.count < Self.most else {
      if line.level <= .error { return true }
      var others = others ?? Repetition(text: "", end: now + Self.windows[0])
      others.count += 1
      self.others = others
      return false
    }
    known[line] = Repetition(text: text, end: now + Self.windows[0])
    return true
  }

  /// Takes the counts that are due, as lines to write.
  /// - Parameter all: also those that are not due yet, because the log is closed.
  mutating func counts(at now: Instant, all: Bool = false) -> [(level: LogLevel, text: String)] {
    var lines: [(level: LogLevel, text: String)] = []
    for (line, repetition) in known.sorted(by: { $0.value.end < $1.value.end })
    where repetition.count > 0 && (all || repetition.end <= now) {
      let window = Self.windows[repetition.step]
      lines.append((line.level, "\(repetition.text) (\(Self.times(repetition.count)) more in \(window.text))"))
      let step = min(repetition.step + 1, Self.windows.count - 1)
      known[line] = Repetition(text: repetition.text, written: burst, step: step, end: now + Self.windows[step])
    }
    if let others, all || others.end <= now {
      let count = Self.digits(others.count)
      lines.append((.warning, "\(count) more lines were left out; 'openstarry events' has what happened"))
      self.others = nil
    }
    return lines
  }

  private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(digits(count)) times" }

  /// `194,098`.
  private static func digits(_ count: Int) -> String {
    let text = "\(count)"
    return String(
      text.enumerated().flatMap { place, digit in
        place > 0 && (text.count - place) % 3 == 0 ? [",", digit] : [digit]
      })
  }
}

extension LineFold.Line {
  /// The key of a line about an event: its type, its source, and its text without separate numbers.
  init(_ level: LogLevel, _ event: Event, _ text: String) {
    self.init(level: level, key: "\(event.type) \(event.source) \(Self.withoutNumbers(text))")
  }

  /// Removes numbers that follow a blank, a bracket or a minus sign: the 13 of `in 13 ms`, but not the 2 of `relay2`.
  private static func withoutNumbers(_ text: String) -> String {
    var kept: [UInt8] = []
    var isNumber = false
    for byte in text.utf8 {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      let before = kept.last ?? UInt8(ascii: " ")
      if isNumber, isDigit || byte == UInt8(ascii: ".") { continue }
      isNumber = isDigit && [UInt8(ascii: " "), UInt8(ascii: "("), UInt8(ascii: "-")].contains(before)
      if !isNumber { kept.append(byte) }
    }
    return String(decoding: kept, as: UTF8.self)
  }
}

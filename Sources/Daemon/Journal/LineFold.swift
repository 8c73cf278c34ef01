import Model

/// Folds what the log would say over and over: the first line is written, those like it are counted, and the count is
/// written after a while, which grows as long as they go on.
struct LineFold {
  /// Lines that fold into one are those with the same key.
  struct Line: Hashable {
    var level: LogLevel
    var key: String
  }

  private struct Repetition {
    /// The newest line like it.
    var text: String
    var count = 0
    /// How many were written in this window.
    var written = 1
    var step = 0
    var end: Instant
  }

  /// How long lines like one are counted before the count is written.
  static let windows: [Duration] = [.seconds(10), .seconds(60), .seconds(600)]
  /// How many kinds of lines are told apart; beyond it a line says only how many there were. What is an error, or worse,
  /// is written all the same.
  static let most = 128

  /// How many lines like one are written in a window before those that follow are counted.
  let burst: Int
  private var known: [Line: Repetition] = [:]
  private var others: Repetition?

  init(burst: Int = 1) { self.burst = burst }

  /// When the next count is to be written; nil while nothing was repeated.
  var due: Instant? {
    (Array(known.values) + [others].compactMap(\.self)).filter { $0.count > 0 }.map(\.end).min()
  }

  /// Counts a line.
  /// - Returns: whether it is to be written.
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

  /// The counts that are due, to be written.
  /// - Parameter all: those that are not due yet as well, as nothing is written after them.
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
  /// Lines about an event are alike when only numbers that stand alone are others.
  init(_ level: LogLevel, _ event: Event, _ text: String) {
    self.init(level: level, key: "\(event.type) \(event.source) \(Self.withoutNumbers(text))")
  }

  /// Digits behind a blank or a bracket, and what of a number follows them, are left out: `in 13 ms`, not `relay2`.
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

/// What a state rule waits for, and what it keeps while that lasts: `while`, or `when` and `until`, with `keep`.
package struct StateRule: Sendable, Hashable {
  /// `while`, or `when`: the condition that begins it.
  package var begins: RuleDeclaration.Condition
  /// `until`: the condition that ends it; nil with `while`, which ends when `begins` is false.
  package var ends: RuleDeclaration.Condition?
  /// `linger`: how long it lasts after its condition has ended; zero for none.
  package var linger: Duration
  /// `keep`: the outputs that it keeps, in the order of the file.
  package var keep: [Kept]
  /// `end`: the actions that are carried out once at its end.
  package var endActions: [RuleDeclaration.Action]
  /// `repeat`: the interval at which `action` is carried out again while it lasts; nil for never.
  package var repeats: Duration?
  /// `at_most`: how long it may keep its outputs away from their safe states; nil for no limit.
  package var atMost: Allowance?

  /// A state rule that does nothing yet.
  package init(
    begins: RuleDeclaration.Condition, ends: RuleDeclaration.Condition? = nil, linger: Duration = .zero,
    keep: [Kept] = [], endActions: [RuleDeclaration.Action] = [], repeats: Duration? = nil, atMost: Allowance? = nil
  ) {
    self.begins = begins
    self.ends = ends
    self.linger = linger
    self.keep = keep
    self.endActions = endActions
    self.repeats = repeats
    self.atMost = atMost
  }

  /// One output of `keep`.
  package struct Kept: Sendable, Hashable {
    /// The output.
    package var device: DeviceID
    /// The level that it is kept at.
    package var level: Level

    /// An output and its level.
    package init(_ device: DeviceID, _ level: Level) {
      self.device = device
      self.level = level
    }
  }

  /// The level of an output that a rule keeps.
  package enum Level: Sendable, Hashable {
    /// 0 to 1.
    case fixed(Double)
    /// An expression whose value is 0 to 1, `true` or `false`. Out of line: most levels are fixed.
    indirect case computed(RuleDeclaration.Condition)
  }

  /// `at_most`: a limit of the time that outputs are kept.
  package struct Allowance: Sendable, Hashable {
    /// The longest time.
    package var time: Duration
    /// What the time is counted for.
    package var period: Period

    /// A limit of `time` for each `period`.
    package init(_ time: Duration, per period: Period) {
      self.time = time
      self.period = period
    }

    /// What an allowance is counted for.
    package enum Period: String, Sendable, CaseIterable {
      /// From the beginning to the end of the rule.
      case run
      /// A clock hour.
      case hour
      /// A local day.
      case day
    }

    /// As in a rule file: `20m`, `5m/h`, `20m/d`.
    package var text: String {
      switch period {
      case .run: time.text
      case .hour: "\(time.text)/h"
      case .day: "\(time.text)/d"
      }
    }
  }
}

/// `between` and `weekdays`: the times at which a rule may act.
package struct RuleHours: Sendable, Hashable {
  /// `between`; nil for the whole day.
  package var window: DayWindow?
  /// `weekdays`: the days on which the window begins.
  package var weekdays: Weekdays

  /// Hours; by default always.
  package init(window: DayWindow? = nil, weekdays: Weekdays = .all) {
    self.window = window
    self.weekdays = weekdays
  }

  /// Whether they exclude nothing.
  package var isAlways: Bool { window == nil && weekdays == .all }
}

/// A time of day: `07:00`, or `sunset - 30m`.
package enum DayTime: Sendable, Hashable {
  /// Minutes after local midnight, 0 to 1440.
  case clock(minutes: Int)
  /// Sunrise or sunset, with an offset.
  case sun(Sun, offset: Duration)

  /// The two events of a day.
  package enum Sun: String, Sendable, CaseIterable { case sunrise, sunset }

  /// As in a rule file.
  package var text: String {
    switch self {
    case .clock(let minutes): "\(Self.two(minutes / 60)):\(Self.two(minutes % 60))"
    case .sun(let sun, let offset):
      offset == .zero
        ? sun.rawValue
        : "\(sun.rawValue) \(offset < .zero ? "-" : "+") \((offset < .zero ? .zero - offset : offset).text)"
    }
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// Parses the format of `text`; also `24:00`. nil for anything else.
  package init?(_ text: some StringProtocol) {
    let words = text.split(separator: " ").joined()
    if let sun = Sun.allCases.first(where: { words.hasPrefix($0.rawValue) }) {
      let rest = words.dropFirst(sun.rawValue.utf8.count)
      guard let sign = rest.first else {
        self = .sun(sun, offset: .zero)
        return
      }
      guard sign == "+" || sign == "-", let offset = Quantity.duration(String(rest.dropFirst())),
        offset <= .seconds(12 * 3600)
      else { return nil }
      self = .sun(sun, offset: sign == "-" ? .zero - offset : offset)
      return
    }
    let parts = words.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) && $0.allSatisfy(\.isASCIIDigit) }),
      parts[1].utf8.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60,
      hour * 60 + minute <= 1440
    else { return nil }
    self = .clock(minutes: hour * 60 + minute)
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

/// `between: [a, b]`: from `a`, which is included, to `b`, which is not.
package struct DayWindow: Sendable, Hashable {
  /// When it opens.
  package var opens: DayTime
  /// When it closes; on the next day if that is not later than `opens`.
  package var closes: DayTime

  /// A window.
  package init(_ opens: DayTime, _ closes: DayTime) {
    self.opens = opens
    self.closes = closes
  }
}

/// Days of the week.
package struct Weekdays: OptionSet, Sendable, Hashable {
  /// Bit 0 is Sunday.
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// All seven.
  package static let all = Weekdays(rawValue: 0x7F)

  /// The names in rule files, Sunday first.
  package static let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

  /// Whether it includes a day; 0 is Sunday.
  package func includes(_ day: Int) -> Bool { rawValue >> UInt8(day) & 1 == 1 }

  /// As in a rule file: `mon, tue`.
  package var text: String { (0..<7).filter(includes).map { Self.names[$0] }.joined(separator: ", ") }

  /// Parses `mon`, `mon-fri` and `fri-mon`, in any case; nil for anything else.
  package init?(_ text: String) {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { end in
      Self.names.firstIndex { name in end.lowercased().hasPrefix(name) && Self.isName(end.lowercased()) }
    }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
    var bits: UInt8 = 0
    var day = first
    while true {
      bits |= 1 << UInt8(day)
      if day == last { break }
      day = (day + 1) % 7
    }
    self.init(rawValue: bits)
  }

  /// Whether a text is a short or a whole English name.
  private static func isName(_ text: String) -> Bool {
    text.utf8.count == 3
      || ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"].contains(text)
  }
}

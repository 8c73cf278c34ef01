import OpenStarryAgent

/// An event as one line, for the daemon's terminal and `openstarry events`.
///
/// `14:03:21.120  sensor:temperature   temperature 30.4 °C`. Text from outside is made printable.
package enum EventLine {
  /// The width of the column of event names, in characters.
  static let typeWidth = 20

  /// The line for `event`, without a newline.
  /// - Parameters:
  ///   - colour: whether to add terminal colours (ECMA-48 SGR sequences).
  ///   - utcOffset: the offset of local time from UTC at that moment, in seconds; see `LocalTime.utcOffset` of module
  ///     Linux.
  package static func text(_ event: Event, colour: Bool, utcOffset: Int = 0) -> String {
    text(event, EventSentence.text(event), colour: colour, utcOffset: utcOffset)
  }

  /// The line for `event` with another sentence, which must be printable.
  package static func text(_ event: Event, _ sentence: String, colour: Bool, utcOffset: Int) -> String {
    let type = event.type.printable
    let padding = String(repeating: " ", count: max(0, typeWidth - type.count))
    return Paint.faint(time(event, utcOffset: utcOffset), colour) + "  "
      + paint(type, of: event, colour) + padding + "  "
      + (event.priority <= .critical ? Paint.red(sentence, colour) : sentence)
  }

  /// The event's local time of day, `HH:MM:SS.mmm`.
  package static func time(_ event: Event, utcOffset: Int = 0) -> String {
    timeOfDay(milliseconds: event.time, utcOffset: utcOffset)
  }

  /// The local time of day, `HH:MM:SS.mmm`.
  /// - Parameters:
  ///   - milliseconds: the moment, in milliseconds since 1970.
  ///   - utcOffset: the offset of local time from UTC, in seconds.
  package static func timeOfDay(milliseconds: UInt64, utcOffset: Int = 0) -> String {
    let day = 86_400_000
    let sinceMidnight = (Int(milliseconds % UInt64(day)) + utcOffset * 1000 % day + day) % day
    let seconds = sinceMidnight / 1000
    return "\(digits(seconds / 3600, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2))"
      + ".\(digits(sinceMidnight % 1000, 3))"
  }

  private static func digits(_ number: Int, _ count: Int) -> String {
    let text = "\(number)"
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }

  private static func paint(_ type: String, of event: Event, _ colour: Bool) -> String {
    switch event.type.prefix(while: { $0 != ":" }) {
    case "sensor": Paint.cyan(type, colour)
    case "input", "camera": Paint.yellow(type, colour)
    case "device": Paint.green(type, colour)
    case "agent": Paint.blue(type, colour)
    case "rule", "timer": Paint.magenta(type, colour)
    case "budget": Paint.red(type, colour)
    case "system": Paint.faint(type, colour)
    default: Paint.bold(type, colour)
    }
  }
}

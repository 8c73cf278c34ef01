import OpenStarryAgent

/// The message that an event becomes.
enum Question {
  /// The most bytes of a payload, and a quarter of what a person may write; and the same for a message that is kept.
  static let (room, keptRoom) = (4096, 1024)

  /// - Parameters:
  ///   - room: bytes for the event's data.
  ///   - timer: what a timer of the mind is for.
  static func text(_ event: Event, room: Int = room, timer: (String) -> String) -> String {
    if isMessage(event), let text = event["text"]?.string {
      let from = event["from"]?.string ?? String(event.source.dropFirst(person.count))
      return "\(DataText.block(["from": .string(from.bounded(80))])) writes to you:\n\(text.bounded(room * 4))"
    }
    let prefix = EventTools.prefix
    if event.type.isSame(as: "agent:timer"), let name = event["timer"]?.string, name.hasPrefix(prefix) {
      let name = String(name.dropFirst(prefix.count))
      let data: Value = ["timer": .string(name), "note": .string(timer(name)), "time": .string(time(event.time))]
      return "A timer that you have set: \(DataText.block(data, limit: room))"
    }
    let data: Value = [
      "type": .string(event.type.bounded(128)), "source": .string(event.source.bounded(128)),
      "time": .string(time(event.time)), "payload": .map(event.payload),
    ]
    return "An event: \(DataText.block(data, limit: room))"
  }

  /// What the board looks like now. It goes with a message and is not kept.
  static func now(_ board: Surroundings) -> String {
    board.devices.isEmpty ? "" : "\nThe devices now: \(DataText.block(.map(board.states)))"
  }

  /// The daemon gives this source to what somebody sends by the control socket, and to nothing else.
  private static let person = "client/"

  /// Whether a person has written it. Agents and rules may emit events of any name that they are granted.
  static func isMessage(_ event: Event) -> Bool {
    event.type.isSame(as: "chat:message") && event.source.hasPrefix(person)
  }

  /// `2026-07-01T04:05:06Z` (RFC 3339).
  /// - Parameter milliseconds: since 1970.
  static func time(_ milliseconds: UInt64) -> String {
    let seconds = Int64(clamping: milliseconds / 1000)
    let (day, second) = (seconds / 86_400, seconds % 86_400)
    // Days since 0000-03-01, so that leap days are at the end of a year; 400 years have 146,097 days.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(two(month))-\(two(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))T"
      + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
  }
}

import Linux
import MCP
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
      // Not the payload's `from`, which the sender may write as it likes.
      let from = String(Substring(event.source.utf8.dropFirst(person.utf8.count)))
      return "\(DataText.block(["from": .string(from.bounded(80))])) writes to you:\n\(text.bounded(room * 4))"
    }
    if let name = self.timer(event) {
      let data: Value = [
        "timer": .string(name), "note": .string(timer(name)), "time": .string(UTCText.time(event.time)),
      ]
      return "A timer that you have set: \(DataText.block(data, limit: room))"
    }
    let data: Value = [
      "type": .string(event.type.bounded(128)), "source": .string(event.source.bounded(128)),
      "time": .string(UTCText.time(event.time)), "payload": .map(event.payload),
    ]
    return "An event: \(DataText.block(data, limit: room))"
  }

  /// The name of the timer of the mind that has come; nil for any other event.
  static func timer(_ event: Event) -> String? {
    let prefix = EventTools.prefix.utf8
    guard event.type.isSame(as: "agent:timer"), let name = event["timer"]?.string, name.utf8.starts(with: prefix) else {
      return nil
    }
    return String(Substring(name.utf8.dropFirst(prefix.count)))
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
}

import Agent
import CLinux
import Linux
import Model

/// Tells on the terminal what happens: a line an event, for people who look.
final class Story {
  private let colour: Bool
  private let output = LineOutput(1)

  /// - Parameter environment: `NO_COLOR` turns colours off (no-color.org).
  init(environment: [String: String]) {
    colour = isatty(1) == 1 && environment["NO_COLOR", default: ""].isEmpty
  }

  /// What is said of `event`. Events that only say how the daemon works inside are left out.
  func tell(_ event: Event) {
    if Self.silent.contains(event.type) { return }
    let offset = LocalTime.utcOffset(at: event.time)
    output.write(EventLine.text(event, colour: colour, utcOffset: offset))
  }

  /// What an agent writes into its log.
  func tell(_ line: LogLine) {
    let event = Event(
      id: line.event ?? ULID(high: 0, low: 0), type: "agent:log", time: line.time, source: "agent/\(line.agent)",
      payload: ["agent": .string(line.agent.rawValue), "message": .string(line.message)])
    tell(event)
  }

  private static let silent: Set<String> = ["agent:registered", "rule:loaded", "camera:snapshot", "camera:frame"]
}

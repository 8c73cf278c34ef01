import Agent
import CLinux
import Linux
import Model

/// Tells on the terminal what happens: a line an event, for people who look.
package final class Story {
  private let colour: Bool
  private let lines: FoldedLines
  /// So many lines that differ in their numbers only, in 10 s, are told one by one: a sensor at a pace that people can follow.
  private static let burst = 30

  /// - Parameter environment: `NO_COLOR` turns colours off (no-color.org).
  package init(environment: [String: String]) {
    colour = isatty(1) == 1 && environment["NO_COLOR", default: ""].isEmpty
    let output = LineOutput(1)
    lines = FoldedLines(burst: Self.burst) { output.write($1) }
  }

  /// Folds what repeats too fast to be read, from now on.
  package func foldRepetition(by clock: any Timekeeper) { lines.begin(by: clock) }

  /// Tells what was counted and not told yet.
  package func close() { lines.close() }

  /// What is said of `event`. Events that only say how the daemon works inside are left out.
  package func tell(_ event: Event) {
    if EventCatalogue.declaration(of: event.type)?.isInternal == true { return }
    tell(event, EventSentence.text(event))
  }

  /// What an agent writes into its log.
  package func tell(_ line: LogLine) {
    let event = Event(
      id: line.event ?? ULID(high: 0, low: 0), type: "agent:log", time: line.time, source: "agent/\(line.agent)")
    tell(event, "\(line.agent): \(line.message.printable)")
  }

  private func tell(_ event: Event, _ sentence: String) {
    let offset = LocalTime.utcOffset(at: event.time)
    lines.add(
      LineFold.Line(.notice, event, sentence),
      EventLine.text(event, sentence, colour: colour, utcOffset: offset))
  }
}

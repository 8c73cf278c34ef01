import Agent
import CLinux
import Linux
import Model

/// Prints one line per event on the terminal (`--story`).
package final class Story {
  private let colour: Bool
  private let lines: FoldedLines
  /// How many lines in 10 s that differ only in numbers are printed before further ones are counted: as many as people
  /// can follow.
  private static let burst = 30

  /// - Parameter environment: `NO_COLOR` turns colours off (no-color.org).
  package init(environment: [String: String]) {
    colour = isatty(1) == 1 && environment["NO_COLOR", default: ""].isEmpty
    let output = LineOutput(1)
    lines = FoldedLines(burst: Self.burst) { output.write($1) }
  }

  /// Starts to fold lines that repeat too fast to read.
  package func foldRepetition(by clock: any Timekeeper) { lines.begin(by: clock) }

  /// Prints all counts that are left.
  package func close() { lines.close() }

  /// Prints an event, unless the catalogue declares it as internal.
  package func tell(_ event: Event) {
    if EventCatalogue.declaration(of: event.type)?.isInternal == true { return }
    tell(event, EventSentence.text(event))
  }

  /// Prints a line of an agent's log.
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

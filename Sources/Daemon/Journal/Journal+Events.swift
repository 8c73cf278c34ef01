import Agent
import Model

extension Journal {
  /// Writes an event down when it is one that somebody should look at; most are not.
  package func log(_ event: Event) {
    guard let level = Self.levels[event.type] else { return }
    let text = EventSentence.text(event)
    log(LineFold.Line(level, event, text), text)
  }

  /// Writes down what an agent says, at the level it says it.
  package func log(_ line: LogLine) { log(line.level, "agent \(line.agent): \(line.message)") }

  /// Kept, since every event is looked up here.
  private static let levels: [String: LogLevel] = Dictionary(
    uniqueKeysWithValues: EventCatalogue.all.compactMap { event in event.journal.map { (event.name, $0) } })
}
